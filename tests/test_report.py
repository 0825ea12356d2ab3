"""The page of a run: what stands in it, that it needs nothing else, and what it makes of bad files."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stde_core._cli import cli
from stde_core._plugins import registry
from stde_pdes._run_files import read_file, read_metrics, read_result, read_run, write_file
from stde_pdes.report.page import write_report
from stde_pdes.report.page._axes import log_limits, log_ticks, ticks
from stde_pdes.report.page._chart import Chart, Curve
from stde_pdes.report.page._html import prose
from stde_pdes.report.page._words import duration, number

SETUP = {
    "problem": "kdv",
    "dim": 1,
    "problem_fields": {"solution": "two-soliton"},
    "estimator": "exact",
    "estimator_fields": {"chunk_size": 256},
    "model_name": None,
    "model": {"width": 32, "depth": 3, "activation": "tanh"},
    "training": {
        "steps": 500,
        "batch": 200,
        "learning_rate": 0.001,
        "gauss_newton": {"steps": 300, "damping": 1e-07},
        "lbfgs": None,
        "unbiased": False,
    },
    "seed": 7,
    "notes": [],
    "environment": {
        "command": ["/home/me/bin/stde", "solve", "kdv", "-p", "solution=two soliton"],
        "versions": {"stde": "0.1.0", "jax": "0.10.2"},
        "python": "3.11.7",
        "platform": "Linux",
        "cpus": 2,
        "device": "cpu:cpu",
        "precision": "float32",
        "matmul_precision": "highest",
    },
}
METRICS = [
    {"step": 1, "loss": 3.9, "seconds": 0.04, "steps_per_second": 22.8},
    {"step": 459, "loss": 0.88, "seconds": 0.2, "steps_per_second": 2827.2},
    {"step": 800, "loss": 1.41e-5, "seconds": 6.2, "steps_per_second": 51.1},
]
METRICS[1] |= {"relative_l1": 2.06, "relative_l2": 1.26, "relative_error_origin": None}
METRICS[2] |= {"relative_l1": 1.66e-3, "relative_l2": 1.28e-3, "relative_error_origin": 0.25}
RESULT = {
    "problem": "kdv",
    "steps": 800,
    "parameters": 2241,
    "loss": 1.41e-5,
    "relative_l1": 1.66e-3,
    "relative_l2": 1.28e-3,
    "relative_error_origin": 0.25,
    "trivial_relative_l2": 0.923,
    "error_points": "domain",
    "test_points": 20000,
    "steps_per_second": 51.1,
    "peak_memory_mb": 679.3,
    "seconds": 127.0,
    "notes": ["The network sees `|x|²`, beside x_i and e^{2t}."],
}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=3, height=2, header=b"\x08\0\0\0\0"):
    pixels = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(min(height, 9))))
    parts = [(b"IHDR", struct.pack(">II", width, height) + header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def lines(metrics):
    return "".join(json.dumps(line) + "\n" for line in metrics)


def write_run(directory, setup=SETUP, metrics=METRICS, result=RESULT, picture=True):
    directory.mkdir(exist_ok=True)
    (directory / "run.json").write_text(json.dumps(setup))
    (directory / "metrics.jsonl").write_text(lines(metrics))
    if result is not None:
        (directory / "result.json").write_text(json.dumps(result))
    if picture:
        (directory / "solution.png").write_bytes(png())
    return directory


VOID = {"meta", "link", "img", "path", "polyline"}


class Page(HTMLParser):
    """What a page holds; fails where its tags do not match or something is loaded or run."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words, self.images = [], [], [], []
        self.source = path.read_bytes().decode("utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == [] and self.rawdata == ""
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "iframe", "object", "embed", "form", "base", "audio"}
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names) and not any(name.startswith("on") for name in names)
        self.tags.append((tag, tuple(names)))
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                assert value.startswith("data:")
            if name == "src":
                self.images.append(base64.b64decode(value.partition("base64,")[2]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def report(directory):
    path = write_report(directory)
    assert path == directory / "report.html"
    return Page(path)


# --- what stands in it


def test_a_finished_run_is_told_in_full(run):
    page = report(run)
    for text in [
        *("kdv", "1 dimension, estimator exact, seed 7", "Korteweg-de Vries equation"),
        *("relative L2 error 1.28e-3", "relative L1 error 1.66e-3", "relative error at the origin 0.25"),
        *(
            "best trivial solution 0.923",
            "721 times smaller",
            "20 000 test points over the whole domain",
        ),
        *("800", "2 241", "6.2 s", "2 min 7 s", "51.1 steps/s", "679 MB"),
        *("solution two-soliton", "chunk_size 256", "width 32", "gauss_newton.damping 1e-07", "lbfgs none"),
        *("unbiased false", "stde solve kdv -p 'solution=two soliton'", "jax 0.10.2", "float32", "highest"),
        *("At the dotted line the next optimiser takes over.", "stde evaluate"),
        f"problem, model = stde_pdes.load({str(run)!r})",
    ]:
        assert text in page.text, text
    assert "<code>|x|²</code>, beside x<sub>i</sub> and e<sup>2t</sup>" in page.source
    assert page.images == [png()] and 'width="3" height="2"' in page.source
    assert page.source.count("<polyline") == 4 and "not finished" not in page.text
    assert "u<sub>xxx</sub>" in page.source and "Raises" not in page.text


def test_the_page_names_a_policy_that_forbids_scripts_and_the_network(run):
    source = report(run).source
    assert "default-src &#x27;none&#x27;" in source or "default-src 'none'" in source
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in source
    assert "prefers-color-scheme: dark" in source and "http://" not in source and "https://" not in source


def test_an_unfinished_run_says_so(tmp_path):
    page = report(write_run(tmp_path / "run", metrics=METRICS[:2], result=None, picture=False))
    assert "This run has not finished: there is no result.json. It is at step 459 of 800." in page.text
    assert "--resume" in page.text and "There is no picture yet" in page.text and page.images == []
    assert "relative L2 error 1.26" in page.text and "stde_pdes.load" not in page.text
    assert "is written when the run ends" in page.text and "dotted" not in page.text


@pytest.mark.parametrize("metrics", [b"", None, b'{"step": 1, "los'], ids=["empty", "absent", "cut"])
def test_a_run_without_a_step_says_so(metrics, tmp_path):
    run = write_run(tmp_path / "run", result=None, picture=False)
    (run / "metrics.jsonl").unlink()
    if metrics is not None:
        (run / "metrics.jsonl").write_bytes(metrics)
    page = report(run)
    assert "No step is recorded yet." in page.text and "No error has been measured yet." in page.text
    assert "<svg" not in page.source


def test_a_cut_last_line_is_left_out(run):
    (run / "metrics.jsonl").write_text(lines(METRICS[:2]) + '{"step": 700, "loss": 0.1')
    assert [line["step"] for line in read_metrics(run)] == [1, 459]
    (run / "metrics.jsonl").write_bytes(lines(METRICS[:1]).encode() + '{"note": "é'.encode()[:-1])
    assert [line["step"] for line in read_metrics(run)] == [1]


def test_a_model_worse_than_the_trivial_one_is_not_praised(tmp_path):
    page = report(write_run(tmp_path / "run", result=RESULT | {"relative_l2": 0.95}))
    assert "the model's L2 error is not below its." in page.text


def test_a_problem_that_is_not_installed_is_no_hindrance(tmp_path):
    page = report(write_run(tmp_path / "run", setup=SETUP | {"problem": "from-elsewhere"}))
    assert "the problem is not installed here: Unknown problem 'from-elsewhere'" in page.text


@pytest.mark.parametrize("name", registry().names("problems"))
def test_every_problem_has_an_equation(name, tmp_path):
    page = report(write_run(tmp_path / "run", setup=SETUP | {"problem": name}))
    lead = re.search(r'<p class="lead">(.*?)</p>', page.source, re.DOTALL)[1]
    assert "equation" in lead and not re.search(r"[a-z]_[a-z{]", lead)


def test_the_page_is_written_again(run):
    first = report(run).source
    assert report(run).source == first and {p.name for p in run.iterdir()} == {
        *("run.json", "metrics.jsonl", "result.json", "solution.png", "report.html"),
    }


# --- hostile contents

HOSTILE = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'`&\0\x1b[31m\ud800\u202e_{<b>}"
)


def poisoned(value):
    """The same with every text, and every name that is not ours, made hostile."""
    if isinstance(value, dict):
        return {f"{name}{HOSTILE}": poisoned(part) for name, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_texts_are_shown_as_text(tmp_path):
    setup = {name: poisoned(value) for name, value in SETUP.items()}
    setup["environment"] = {name: poisoned(value) for name, value in SETUP["environment"].items()}
    directory = tmp_path / "<script>alert('&')"
    result = RESULT | {"notes": [HOSTILE], "error_points": HOSTILE, "out": HOSTILE}
    page = report(write_run(directory, setup=setup | {"model_name": HOSTILE}, result=result))
    assert "<script>alert(1)</script>" in page.text and "<script" not in page.source
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page.source)
    plain = {tag for tag, _ in report(write_run(tmp_path / "plain")).tags}
    assert {tag for tag, _ in page.tags} <= plain | {"code", "sub"}


def test_links_are_neither_read_nor_followed(run, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text(json.dumps(RESULT))
    (run / "report.html").symlink_to(outside)
    report(run)
    assert json.loads(outside.read_text()) == RESULT and not (run / "report.html").is_symlink()
    (run / "result.json").unlink()
    (run / "result.json").symlink_to(outside)
    with pytest.raises(
        ValueError, match=r"result.json` is a link; a run's directory needs a file of its own"
    ):
        write_report(run)


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


# --- curves and words


@pytest.mark.parametrize(
    "values",
    [[1.0], [1e-300, 1e300], [0.5, 0.500001], [3.0, -1.0, 0.0, float("nan"), float("inf")], [1e-12, 5.0]],
)
def test_any_values_are_drawn(values):
    drawn = Chart("Loss", [Curve("loss", list(enumerate(values)), marked=True)], ("trivial", 0.1)).draw()
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", drawn.partition('points="')[2].partition('"')[0])]
    assert numbers and all(0 <= n <= 380 for n in numbers) and "nan" not in drawn
    assert ("3 values that are not positive" in drawn) == (len(values) == 5) or "4 values" in drawn


def test_long_curves_keep_their_extremes_and_little_else():
    points = [(step, 2.0 + (step == 70_001) - (step == 30_001)) for step in range(100_000)]
    drawn = Chart("Loss", [Curve("loss", points, marked=True)]).draw()
    places = re.search(r'points="([^"]*)"', drawn)[1].split()
    assert len(places) <= 402 and "<circle" not in drawn
    heights = [float(place.partition(",")[2]) for place in places]
    assert len({max(heights), min(heights), heights[0]}) == 3


def test_nothing_to_draw_is_not_drawn():
    assert (
        Chart("Loss", [Curve("loss", [])]).draw() == Chart("Loss", [Curve("loss", [(1, -1.0)])]).draw() == ""
    )


def test_ticks_are_round_and_inside():
    assert ticks(0, 800) == [0, 200, 400, 600, 800] and ticks(0, 966_656)[1] == 250_000
    assert [label for _, label in log_ticks(*log_limits([1e-5, 4.0]))] == [
        "10⁻⁵",
        "10⁻⁴",
        "10⁻³",
        "10⁻²",
        "10⁻¹",
        "1",
    ]
    assert [label for _, label in log_ticks(*log_limits([0.17, 5.8]))] == ["0.2", "0.5", "1", "2", "5"]
    for limits in [(1e-300, 1e300), (2.0, 2.0), (1.0, 1.3), (3e-4, 9e-4)]:
        low, high = log_limits(limits)
        found = log_ticks(low, high)
        assert 2 <= len(found) <= 8 and all(low <= place <= high for place, _ in found)


def test_numbers_and_durations_are_readable():
    shown = [number(v) for v in (1.2799e-3, 0.0, 0.923, 51.12, 2827.2, 12345.6, 3.2e7, float("nan"), 20_000)]
    assert shown == [
        "1.28e-3",
        "0",
        "0.923",
        "51.1",
        "2\u202f827",
        "12\u202f346",
        "3.20e7",
        "nan",
        "20\u202f000",
    ]
    assert [duration(s) for s in (0.28, 59.9, 61.0, 7380.0)] == ["0.28 s", "60 s", "1 min 1 s", "2 h 3 min"]


def test_indices_are_set_as_such():
    assert prose("u_t + 6uu_x") == "u<sub>t</sub> + 6uu<sub>x</sub>"
    assert prose("3(u_yu_x)_x") == "3(u<sub>y</sub>u<sub>x</sub>)<sub>x</sub>"
    assert prose("Σ_{i<d} c_i") == "Σ<sub>i&lt;d</sub> c<sub>i</sub>"
    assert prose("`num_samples` and gpinn_weight") == "<code>num_samples</code> and gpinn_weight"


def test_what_is_read_is_what_was_written(run):
    assert read_run(run) == SETUP and read_result(run) == RESULT and read_metrics(run) == METRICS


# --- in a browser

MEASURE = """<!DOCTYPE html><body><script>
const frame = document.createElement("iframe");
frame.width = WIDTH; frame.height = 800; frame.srcdoc = PAGE;
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const found = {
    inner: frame.contentWindow.innerWidth, scroll: root.scrollWidth, body: page.body.scrollWidth,
    images: [...page.images].map(image => image.complete ? image.naturalWidth : 0),
    charts: [...page.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect().width),
    wide: [...page.querySelectorAll("body *")].filter(element => !element.closest(".scroll, pre") &&
      element.getBoundingClientRect().right > root.clientWidth + 1).length,
  };
  const told = document.createElement("pre");
  told.id = "found"; told.textContent = JSON.stringify(found); document.body.append(told);
};
document.body.append(frame);
</script></body>"""


def in_browser(browser, page, width, folder):
    """What a headless browser makes of the page in a window of this width."""
    source = MEASURE.replace("WIDTH", str(width)).replace("PAGE", json.dumps(page).replace("</", "<\\/"))
    (folder / "host.html").write_text(source, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [browser, *options, "--virtual-time-budget=5000", "--dump-dom", f"file://{folder / 'host.html'}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)[1])


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
def test_the_page_fits_a_window(width, finished, tmp_path):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("needs a browser")
    setup = SETUP | {
        "notes": ["x" * 500],
        "problem": "a-problem-of-a-name-so-long-that-it-does-not-fit-a-phone",
    }
    run = write_run(tmp_path / "run", setup, METRICS, RESULT if finished else None, picture=finished)
    found = in_browser(browser, report(run).source, width, tmp_path)
    assert found["inner"] == width and found["scroll"] <= width and found["body"] <= width
    assert found["images"] == ([3] if finished else [])
    assert len(found["charts"]) == 2 and all(250 < chart <= width for chart in found["charts"])
    assert found["wide"] == 0
