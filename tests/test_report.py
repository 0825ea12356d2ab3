"""The page of a run: what stands in it, that it needs nothing else, and what it makes of bad files."""

import json
import re
import shutil
import subprocess

import pytest
from report_runs import METRICS, RESULT, SETUP, Page, lines, png, write_run

from stde_core.plugins import registry
from stde_pdes._run_files import read_metrics, read_result, read_run
from stde_pdes.report.page import write_report


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
            "20 000 test points of the training law",
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
    result = RESULT | {"notes": [HOSTILE], "out": HOSTILE}
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
        pytest.skip("no browser on this machine; what the page needs and loads is tested without one")
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
