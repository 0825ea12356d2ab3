"""The page of a run: what stands in it, that it needs nothing else, and that no text becomes markup."""

import json
import re
import shutil
import subprocess

import pytest
from report_runs import (
    METRICS,
    OWN_METRICS,
    OWN_RESULT,
    OWN_SETUP,
    RESULT,
    SETUP,
    Page,
    lines,
    png,
    write_run,
)

from stde_core.plugins import registry
from stde_pdes.report.page import _equation, duration, number, prose, write_report
from stde_pdes.runs.files import read_metrics, read_result, read_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def report(directory):
    path = write_report(directory)
    assert path == directory / "report.html"
    return Page(path)


def write_own(directory, **changes):
    return write_run(directory, OWN_SETUP, OWN_METRICS, OWN_RESULT | changes, picture=False)


# --- what stands in it


def test_a_finished_run_is_told_in_full(run):
    page = report(run)
    for text in [
        *("kdv", "1 dimension, estimator exact, seed 7", "Korteweg-de Vries equation"),
        *("relative L2 error 1.28e-3", "relative L1 error 1.66e-3", "relative error at the origin 0.25"),
        *("best trivial solution 0.923", "721 times smaller", "20 000 test points of the training law"),
        *("800", "2 241", "6.2 s", "2 min 7 s", "51.1 steps/s", "679 MB"),
        *("solution two-soliton", "chunk_size 256", "width 32", "gauss_newton.damping 1e-07", "lbfgs none"),
        *("unbiased false", "stde solve kdv -p 'solution=two soliton'", "jax 0.10.2", "precision highest"),
        *("At a dotted line the next stage begins.", f"stde evaluate {run}"),
        f"problem, model = pdes.load({str(run)!r})",
    ]:
        assert text in page.text, text
    assert "<code>|x|²</code>, beside x<sub>i</sub> and e<sup>2t</sup>" in page.source
    assert page.images == [(run / "curves.png").read_bytes(), png()] and 'width="3" height="2"' in page.source
    assert "u<sub>xxx</sub>" in page.source and "Raises" not in page.text
    for text in ("not finished", "Residuals", "Parameters found", "share of the loss", "outputs", "Stage 1"):
        assert text not in page.text


def test_a_problem_of_ones_own_is_told_in_full(tmp_path):
    page = report(write_own(tmp_path / "run"))
    for text in [
        "2 dimensions, inputs x, y, t, outputs u, v, p, from channel.py, estimator exact",
        "The time was over after 800 of 1000 steps.",
        *("rms residual, momentum 1.50e-3", "condition rms median 90 % 99 % largest where"),
        "momentum 1.50e-3 4.00e-4 2.00e-3 5.00e-3 0.012 x = 0.1, y = -0.92, t = 1",
        *("viscosity 0.01034", "k 1, 2", "momentum 1.00e-5 1", "walls 4.10e-6 2.5"),
        *("Stage 1 stage adam steps 500 batch 20", "Stage 2 stage lbfgs steps 300", "all of the user's own"),
        f"problem, model = pdes.load({str(tmp_path / 'run')!r}, problem=problem)",
        f"stde evaluate {tmp_path / 'run'} --problem channel.py",
        *("There is no picture of this run.", "At a dotted line the next stage begins."),
    ]:
        assert text in page.text, text
    assert "not installed" not in page.text and "Errors" not in page.text and len(page.images) == 1


def test_errors_stand_beside_those_of_the_simplest_models(tmp_path):
    def told(**changes):
        return report(write_run(tmp_path / "run", result=RESULT | changes)).text

    assert "the model's L2 error is not below its." in told(relative_l2=0.95)
    assert "The model is not better than an affine network" in told(affine_relative_l2=1.2e-3)
    text = told(affine_relative_l2=0.5, relative_l2_outputs={"u": 0.1, "v": 2e-3})
    assert "that of the best affine network 0.5" in text and "The model is better than an affine" in text
    assert "relative L2 error of u 0.1 relative L2 error of v 2.00e-3" in text
    assert "The best affine network is not computed above" in told(affine_relative_l2=None)
    none = dict.fromkeys(("relative_l1", "relative_l2", "relative_error_origin", "trivial_relative_l2"))
    text = report(write_run(tmp_path / "none", SETUP, OWN_METRICS, RESULT | none)).text
    assert "No error was measured: the problem has no reference." in text


def test_an_unfinished_run_says_so(tmp_path):
    page = report(write_run(tmp_path / "run", metrics=METRICS[:2], result=None, picture=False))
    assert "This run has not finished: there is no result.json. It is at step 459 of 800. It is" in page.text
    assert "--resume" in page.text and "There is no picture yet" in page.text and len(page.images) == 1
    assert "relative L2 error 1.26" in page.text and "pdes.load" not in page.text
    assert "is written when the run ends" in page.text and "dotted" not in page.text
    page = report(write_run(tmp_path / "own", OWN_SETUP, OWN_METRICS[:2], None, picture=False))
    assert "at step 459 of 800" in page.text and "No error has been measured yet." in page.text
    assert "viscosity 0.02" in page.text and "walls 4.10e-6 2.5" in page.text


@pytest.mark.parametrize("metrics", [b"", None, b'{"step": 1, "los'], ids=["empty", "absent", "cut"])
def test_a_run_without_a_step_says_so(metrics, tmp_path):
    run = write_run(tmp_path / "run", result=None, picture=False)
    (run / "metrics.jsonl").unlink()
    if metrics is not None:
        (run / "metrics.jsonl").write_bytes(metrics)
    page = report(run)
    assert "No step is recorded yet." in page.text and "No error has been measured yet." in page.text
    assert page.images == [] and not (run / "curves.png").exists()


def test_a_cut_last_line_is_left_out(run):
    (run / "metrics.jsonl").write_text(lines(METRICS[:2]) + '{"step": 700, "loss": 0.1')
    assert [line["step"] for line in read_metrics(run)] == [1, 459]
    (run / "metrics.jsonl").write_bytes(lines(METRICS[:1]).encode() + '{"note": "é'.encode()[:-1])
    assert [line["step"] for line in read_metrics(run)] == [1]


def test_a_problem_that_is_not_installed_is_no_hindrance(tmp_path):
    page = report(write_run(tmp_path / "run", setup=SETUP | {"problem": "from-elsewhere"}))
    assert "the problem is not installed here: Unknown problem 'from-elsewhere'" in page.text


@pytest.mark.parametrize("name", registry().names("problems"))
def test_every_problem_has_an_equation(name):
    lead = _equation(name)[0]
    assert "equation" in lead and "Raises" not in lead and not re.search(r"[a-z]_[a-z{]", prose(lead))


def test_the_page_is_written_again(run):
    first = report(run).source
    assert report(run).source == first and {p.name for p in run.iterdir()} == {
        *("run.json", "metrics.jsonl", "result.json", "solution.png", "curves.png", "report.html"),
    }


def test_what_is_read_is_what_was_written(run, tmp_path):
    assert read_run(run) == SETUP and read_result(run) == RESULT and read_metrics(run) == METRICS
    own = write_own(tmp_path / "own", beyond=[1])
    assert read_run(own) == OWN_SETUP and read_metrics(own) == OWN_METRICS
    assert read_result(own) == OWN_RESULT | {"beyond": [1]}


# --- words


def test_numbers_and_durations_are_readable():
    numbers = [1.2799e-3, 0.0, 0.923, 51.12, 2827.2, 12345.6, 3.2e7, float("nan"), 20_000]
    shown = ["1.28e-3", "0", "0.923", "51.1", "2\u202f827", "12\u202f346", "3.20e7", "nan", "20\u202f000"]
    assert list(map(number, numbers)) == shown
    assert [duration(s) for s in (0.28, 59.9, 61.0, 7380.0)] == ["0.28 s", "60 s", "1 min 1 s", "2 h 3 min"]


def test_indices_are_set_as_such():
    assert prose("u_t + 6uu_x") == "u<sub>t</sub> + 6uu<sub>x</sub>"
    assert prose("3(u_yu_x)_x") == "3(u<sub>y</sub>u<sub>x</sub>)<sub>x</sub>"
    assert prose("Σ_{i<d} c_i") == "Σ<sub>i&lt;d</sub> c<sub>i</sub>"
    assert prose("`num_samples` and gpinn_weight") == "<code>num_samples</code> and gpinn_weight"


# --- hostile contents

HOSTILE = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"'`&{{ 7 * 7 }}\0\x1b[31m\ud800\u202e_{<b>}$"
)


def poisoned(value):
    """The same with every text, and every name that is not ours, made hostile."""
    if isinstance(value, dict):
        return {f"{name}{HOSTILE}": poisoned(part) for name, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_texts_are_shown_as_text(tmp_path):
    setup = {name: poisoned(value) for name, value in OWN_SETUP.items()} | {"model_name": HOSTILE}
    setup["environment"] = {name: poisoned(value) for name, value in SETUP["environment"].items()}
    setup["training"]["stages"] = poisoned(OWN_SETUP["training"]["stages"])
    parts = ("losses", "weights", "parameters")
    metrics = [line | {name: poisoned(line[name]) for name in parts} for line in OWN_METRICS]
    residuals = {HOSTILE: OWN_RESULT["residuals"]["walls"] | {"quantiles": {HOSTILE: 1.0}}}
    result = OWN_RESULT | {"notes": [HOSTILE], "out": HOSTILE, "stopped": HOSTILE, "residuals": residuals}
    result["found"] = poisoned(result["found"])
    for extra in ({}, {"relative_l2": 0.1, "relative_l2_outputs": {HOSTILE: 0.1}}):
        page = report(write_run(tmp_path / "<script>alert('&')", setup, metrics, result | extra))
        assert "<script>alert(1)</script>" in page.text and "<script" not in page.source
        assert "{{ 7 * 7 }}" in page.text and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page.source)
        plain = {tag for tag, _ in report(write_own(tmp_path / "plain")).tags}
        assert {tag for tag, _ in page.tags} <= plain | {"code", "sub"}


def test_the_page_names_a_policy_that_forbids_scripts_and_the_network(run):
    source = report(run).source
    assert "default-src 'none'; img-src data:;" in source
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in source
    assert "prefers-color-scheme: dark" in source and "http://" not in source and "https://" not in source


def test_links_are_neither_read_nor_followed(run, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text(json.dumps(RESULT))
    for name in ("report.html", "curves.png"):
        (run / name).symlink_to(outside)
    report(run)
    assert json.loads(outside.read_text()) == RESULT and not (run / "report.html").is_symlink()
    (run / "result.json").unlink()
    (run / "result.json").symlink_to(outside)
    with pytest.raises(
        ValueError, match=r"result.json` is a link; a run's directory needs a file of its own"
    ):
        write_report(run)


# --- in a browser

MEASURE = """<!DOCTYPE html><body><script>
const frame = document.createElement("iframe");
frame.width = WIDTH; frame.height = 800; frame.srcdoc = PAGE;
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const found = {
    inner: frame.contentWindow.innerWidth, scroll: root.scrollWidth, body: page.body.scrollWidth,
    images: [...page.images].map(image => image.complete ? image.naturalWidth : 0),
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
    name = "a-problem-of-a-name-so-long-that-it-does-not-fit-a-phone"
    setup = OWN_SETUP | {"notes": ["x" * 500], "problem": name}
    result = OWN_RESULT | RESULT if finished else None
    run = write_run(tmp_path / "run", setup, METRICS, result, picture=finished)
    found = in_browser(browser, report(run).source, width, tmp_path)
    assert found["inner"] == width and found["scroll"] <= width and found["body"] <= width
    assert found["images"] == ([1320, 3] if finished else [1320])
    assert found["wide"] == 0
