"""Pages of runs whose files are damaged: a sentence and no page, or a page that says so."""

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_runs import METRICS, RESULT, SETUP, Page, chunk, lines, png, write_run
from stde_cli import cli

from stde_pdes._run_files import read_file, write_file
from stde_pdes.report.page import write_report


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def report(directory):
    path = write_report(directory)
    assert path == directory / "report.html"
    return Page(path)


# --- damaged files

DEEP = b"[" * 100_000
BAD = {
    "run.json": {
        "empty": (b"", "is damaged: it is not JSON in UTF-8"),
        "cut": (b'{"problem": "k', "is damaged: it is not JSON in UTF-8"),
        "not UTF-8": (b'{"problem": "\xff"}', "is damaged: it is not JSON in UTF-8"),
        "UTF-16": ('{"problem": "kdv"}'.encode("utf-16"), "is damaged: it is not JSON in UTF-8"),
        "deep": (DEEP, "is damaged: it is not JSON in UTF-8"),
        "long integer": (b'{"dim": ' + b"9" * 5000 + b"}", "is damaged: it is not JSON in UTF-8"),
        "list": (b"[]", "it needs to be a JSON object, got a list."),
        "null": (b"null", "it needs to be a JSON object, got null."),
        "lacking": (b'{"problem": "kdv"}', "is damaged: `dim` is missing."),
        "kind": (json.dumps(SETUP | {"seed": "1"}).encode(), "`seed` needs an integer, got a text."),
        "bool": (json.dumps(SETUP | {"dim": True}).encode(), "`dim` needs an integer, got true."),
        "large": (json.dumps(SETUP | {"dim": 2**63}).encode(), "`dim` is too large a number."),
        "part": (json.dumps(SETUP | {"training": []}).encode(), "`training` needs an object, got a list."),
        "huge": (b" " * (2**22 + 1), "has more than 4194304 bytes, and no run writes so many."),
    },
    "metrics.jsonl": {
        "not UTF-8": (b"\xff\n", "metrics.jsonl`, line 1, is damaged: it is not JSON in UTF-8"),
        "in the middle": (b'{"st\n' + lines(METRICS).encode(), "line 1, is damaged"),
        "kind": (
            lines([METRICS[0], METRICS[0] | {"loss": "x"}]).encode(),
            "line 2, is damaged: `loss` needs",
        ),
        "error": (
            lines([METRICS[0] | {"relative_l2": []}]).encode(),
            "`relative_l2` needs a number, got a li",
        ),
        "null": (lines([METRICS[0] | {"loss": None}]).encode(), "`loss` needs a number, got null."),
    },
    "result.json": {
        "empty": (b"", "is damaged: it is not JSON in UTF-8"),
        "lacking": (b"{}", "is damaged: `steps` is missing."),
        "kind": (json.dumps(RESULT | {"seconds": {}}).encode(), "`seconds` needs a number, got an object."),
    },
}
CASES = [
    pytest.param(name, content, message, id=f"{name} {case}")
    for name, cases in BAD.items()
    for case, (content, message) in cases.items()
]


def command(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.mark.parametrize(("name", "content", "message"), CASES)
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


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is cut or damaged"),
        (b"GIF89a", "is cut or damaged"),
        (png()[:-5], "is cut or damaged"),
        (png().replace(b"IDAT", b"IDAX"), "is cut or damaged"),
        (png(2**16, 2**16), "too many pixels"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b"x" * 40), "is no PNG picture"),
    ],
)
def test_a_damaged_picture_is_told_of_on_the_page(content, cause, run):
    (run / "solution.png").write_bytes(content)
    page = report(run)
    assert "The picture cannot be shown" in page.text and cause in page.text and page.images == []


def test_a_page_that_cannot_be_written_gets_a_sentence_and_leaves_nothing(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    told = command(run)
    assert told.exit_code == 2 and "report.html` cannot be written (No space left on device)" in told.stderr
    assert not [path for path in run.iterdir() if "report" in path.name]


def test_the_command_prints_the_path(run):
    told = command(run)
    assert told.exit_code == 0 and told.output == f"{run / 'report.html'}\n"
    assert Page(run / "report.html").images


def test_files_are_written_as_a_whole(tmp_path):
    assert write_file(tmp_path, "a", b"one").read_bytes() == b"one"
    assert write_file(tmp_path, "a", b"two").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and read_file(tmp_path, "b") is None


# --- any bytes, any values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def page_or_sentence(run):
    try:
        report(run)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1


@MANY
@given(
    name=st.sampled_from(["run.json", "metrics.jsonl", "result.json", "solution.png"]), content=st.binary()
)
def test_any_bytes_give_a_page_or_a_sentence(name, content, tmp_path):
    run = write_run(tmp_path / "run")
    (run / name).write_bytes(content)
    page_or_sentence(run)


@MANY
@given(data=st.data(), value=VALUES)
def test_any_value_gives_a_page_or_a_sentence(data, value, tmp_path):
    files = {"run.json": SETUP, "result.json": RESULT, "metrics.jsonl": METRICS[2]}
    name = data.draw(st.sampled_from(sorted(files)))
    record = dict(files[name])
    field = data.draw(st.sampled_from([*record, "model_name", "step"]))
    if isinstance(record.get(field), dict) and data.draw(st.booleans()):
        part = dict(record[field])
        value, part[data.draw(st.sampled_from(sorted(part)))] = part, value
    record[field] = value
    run = write_run(tmp_path / "run")
    (run / name).write_text(json.dumps(record) + "\n")
    page_or_sentence(run)
