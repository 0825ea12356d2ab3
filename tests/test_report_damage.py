"""Pages of runs whose files are damaged: a sentence and no page, or a page that says so."""

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_runs import (
    METRICS,
    OWN_METRICS,
    OWN_RESULT,
    OWN_SETUP,
    RESULT,
    SETUP,
    Page,
    chunk,
    png,
    write_run,
)
from stde_cli import cli

from stde_pdes.report.page import write_report
from stde_pdes.runs.files import read_file, write_file


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def report(directory):
    path = write_report(directory)
    assert path == directory / "report.html"
    return Page(path)


# --- damaged files


def but(record, **changes):
    return json.dumps(record | changes).encode() + b"\n"


NO_JSON = "is damaged: it is not JSON in UTF-8"
BAD = [
    ("run.json", b"", NO_JSON),
    ("run.json", b'{"problem": "k', NO_JSON),
    ("run.json", b'{"problem": "\xff"}', NO_JSON),
    ("run.json", '{"problem": "kdv"}'.encode("utf-16"), NO_JSON),
    ("run.json", b"[" * 100_000, NO_JSON),
    ("run.json", b'{"dim": ' + b"9" * 5000 + b"}", NO_JSON),
    ("run.json", b"[]", "is damaged: expected `object`, got `array`; put back what the run wrote"),
    ("run.json", b'{"problem": "kdv"}', "is damaged: object missing required field `dim`;"),
    ("run.json", but(SETUP, seed="1"), "expected `int`, got `str` - at `$.seed`;"),
    ("run.json", but(SETUP, dim=True), "expected `int`, got `bool` - at `$.dim`;"),
    ("run.json", but(SETUP, dim=2**63), "`int` <= 9223372036854775807 - at `$.dim`;"),
    ("run.json", but(SETUP, training=[]), "expected `object`, got `array` - at `$.training`;"),
    ("run.json", b" " * (2**22 + 1), "has more than 4194304 bytes, and no run writes so many."),
    ("metrics.jsonl", b"\xff\n", f"metrics.jsonl`, line 1, {NO_JSON}"),
    ("metrics.jsonl", b'{"st\n' + but(METRICS[0]), "line 1, is damaged"),
    (
        "metrics.jsonl",
        but(METRICS[0]) + but(METRICS[0], loss="x"),
        "line 2, is damaged: expected `float`",
    ),
    ("metrics.jsonl", but(METRICS[0], relative_l2=[]), "got `array` - at `$.relative_l2`;"),
    ("metrics.jsonl", but(METRICS[0], loss=None), "got `null` - at `$.loss`;"),
    ("result.json", b"", NO_JSON),
    ("result.json", b"{}", "is damaged: object missing required field `steps`;"),
    (
        "result.json",
        but(RESULT, residuals={"walls": {"rms": 1}}),
        "`quantiles` - at `$.residuals[...]`;",
    ),
]


def command(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_damaged_files_get_a_sentence_and_no_page(name, content, message, run):
    (run / name).write_bytes(content)
    told = command(run)
    assert told.exit_code == 2 and message in told.stderr and len(told.stderr.strip().splitlines()) == 1
    assert f"{run / name}" in told.stderr and not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "result.json"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "link"])
def test_what_is_not_a_file_gets_a_sentence(name, kind, run):
    (run / name).unlink()
    if kind == "directory":
        (run / name).mkdir()
    elif kind == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to(run / "nowhere")
    told = command(run)
    assert told.exit_code == 2 and "a run's directory needs a file of its own" in told.stderr


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "is not a directory; name one that `stde solve` wrote."),
        (lambda path: path.mkdir(), "holds no run.json, so it is not the directory of a run"),
        (lambda path: path.write_text("x"), "is not a directory"),
    ],
    ids=["absent", "empty", "file"],
)
def test_what_is_not_a_run_gets_a_sentence(make, message, tmp_path):
    make(tmp_path / "run")
    told = command(tmp_path / "run")
    assert told.exit_code == 2 and message in told.stderr and len(told.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb\x1b[31m", "x" * 5000])
def test_odd_names_get_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = command(name)
    assert told.exit_code == 2 and len(told.stderr.strip().splitlines()) == 1 and "\x1b" not in told.stderr


PICTURES = {
    "empty": b"",
    "no PNG": b"GIF89a",
    "cut": png()[:-5],
    "changed": png().replace(b"IDAT", b"IDAX"),
    "giant": png(2**16, 2**16),
    "no picture": b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b"x" * 40),
    "too many bytes": bytes(2**25 + 1),
}


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
def test_a_damaged_picture_is_told_of_on_the_page(content, run):
    (run / "solution.png").write_bytes(content)
    page = report(run)
    assert f"The picture cannot be shown: `{run / 'solution.png'}` " in page.text and len(page.images) == 1


def test_a_page_that_cannot_be_written_gets_a_sentence_and_leaves_nothing(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    told = command(run)
    assert told.exit_code == 2 and "cannot be written (No space left on device)" in told.stderr
    assert not [path for path in run.iterdir() if {"report", "curves", "part"} & {*path.name.split(".")}]


def test_the_command_prints_the_path(run):
    told = command(run)
    assert told.exit_code == 0 and told.output == f"{run / 'report.html'}\n"
    assert Page(run / "report.html").images


def test_files_are_written_as_a_whole(tmp_path):
    assert write_file(tmp_path, "a", b"one").read_bytes() == b"one"
    assert write_file(tmp_path, "a", b"two").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and read_file(tmp_path, "b") is None


# --- any values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=VALUES)
def test_any_value_gives_a_page_or_a_sentence(data, value, monkeypatch, tmp_path):
    # The curves would take most of the time, and have a test of their own.
    monkeypatch.setattr("stde_pdes.report.page.draw_curves", lambda *_: False)
    files = {"run.json": OWN_SETUP, "result.json": RESULT | OWN_RESULT, "metrics.jsonl": OWN_METRICS[2]}
    name = data.draw(st.sampled_from(sorted(files)))
    record = dict(files[name])
    field = data.draw(st.sampled_from([*record, "model_name", "step"]))
    if record.get(field) and isinstance(record[field], dict) and data.draw(st.booleans()):
        part = dict(record[field])
        value, part[data.draw(st.sampled_from(sorted(part)))] = part, value
    run = write_run(tmp_path / "run")
    (run / name).write_bytes(but(record, **{field: value}))
    try:
        report(run)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1
