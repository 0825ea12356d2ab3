"""`python -m benchmarks step` and `operators`: failures are rows or sentences, tables say what rows do."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from click.testing import CliRunner

from benchmarks import rows as results
from benchmarks import runner, step
from benchmarks.__main__ import bench
from benchmarks.operators import METHODS
from benchmarks.runner import Limits, ask, time_calls

ROOT = Path(__file__).parent.parent
TASK = {
    "method": "stde",
    "dim": 5,
    "note": "",
    "problem": "sine-gordon-two-body",
    "num_samples": 2,
    "batch": 4,
}
TASK |= {"width": 8, "depth": 1, "shared_tangents": False, "seed": 0}
MEASURE = {"study": "step", "task": TASK, "seconds": 0.01}
ENVIRONMENT = {"versions": {"stde": "0.2", "jax": "0.10.2"}, "python": "3.11", "cpus": 2, "device": "cpu:cpu"}
ENVIRONMENT |= {
    "precision": "float32",
    "matmul_precision": "highest",
    "sources": "0123",
    "commit": "abcdef0123",
}


def command(*arguments):
    return CliRunner().invoke(bench, arguments)


# --- processes


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(seconds=0.2), "out of time"), (Limits(memory_mb=30.0), "out of memory")],
    ids=["time", "memory"],
)
def test_a_process_that_takes_too_much_is_ended_and_says_so(limits, status):
    found = ask("benchmarks.runner:measure", MEASURE, limits)
    assert found["status"] == status and found["reason"] and "seconds" not in found


def test_a_process_is_found_from_any_directory_and_says_where_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = ask("benchmarks.rows:environment", {})
    assert found["status"] == "ok" and found["versions"]["jax"] == jax.__version__
    assert found["sources"] == results.sources_of_stde() and found["commit"] == results.commit_of(ROOT)
    assert found.keys() >= {"device", "precision", "cpus", "python", "platform"}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"task": TASK | {"num_samples": 7}}, "cannot draw 7 of 5"),
        ({"task": TASK, "frobnicate": 1}, "frobnicate"),
    ],
    ids=["the method's", "the call's"],
)
def test_an_error_in_a_process_is_an_answer_with_its_cause(request_, reason, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["runner", "benchmarks.runner:measure", json.dumps(MEASURE | request_)])
    runner.main()
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["status"] == "failed" and reason in answer["reason"]


def test_what_ran_out_of_memory_or_crashed_is_told_apart():
    assert runner._crash(-9, "")["status"] == "out of memory"
    assert runner._crash(1, "x\nRESOURCE_EXHAUSTED: 9 GB\n")["status"] == "out of memory"
    assert runner._crash(1, "Traceback\nValueError: no\n\n") == {
        "status": "failed",
        "reason": "ended with status 1: ValueError: no",
    }


def test_a_step_advances_and_counts_its_time():
    found = time_calls(step.work(TASK).ready(), seconds=0.01)
    assert found["calls"] >= 3 and found["seconds"] > 0 and found["loss"] > 0
    assert found["trace_seconds"] > 0 and found["compile_seconds"] > 0 and found["peak_memory_mb"] > 50


# --- rows


def made_up(seconds, memory=500.0):
    prepared = {"trace_seconds": 0.5, "compile_seconds": 1.5}
    return {
        "status": "ok",
        "reason": "",
        "seconds": seconds,
        "calls": 10,
        "peak_memory_mb": memory,
        "loss": 1.0,
        **prepared,
    }


class Machine:
    """Stands for the processes: what is asked of them is noted, and answered at once."""

    def __init__(self):
        self.asked, self.refused, self.answers = [], {}, {}

    def ask(self, function, arguments, limits=None):
        if function.endswith("check"):
            refusals = [
                (t, self.refused[t["method"]]) for t in arguments["tasks"] if t["method"] in self.refused
            ]
            return {"status": "ok", "reason": "", "environment": ENVIRONMENT, "refusals": refusals}
        method, dim = (arguments["task"][name] for name in ("method", "dim"))
        self.asked.append(method)
        times = self.answers.get((method, dim), [made_up(0.1)])
        return times.pop(0) if len(times) > 1 else times[0]


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(runner, "ask", machine.ask)
    failed = {"status": "out of memory", "reason": "took more than 1 GB"}
    machine.answers = {
        ("stde-jet", 5): [made_up(0.2, 900.0), made_up(0.5), made_up(0.3, 700.0)],
        ("stde", 5): [made_up(0.1), made_up(0.1), made_up(0.4)],
        ("stde-jet", 50): [made_up(0.2), failed],
        ("stde", 50): [made_up(1.0)],
    }
    return machine


SMALL = ("step", "--dims", "5,50", "--methods", "stde-jet,stde", "--num-samples", "2", "--seconds", "0.5")


def test_methods_alternate_and_those_that_failed_are_not_tried_again(machine, tmp_path):
    done = command(*SMALL, "--json", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert machine.asked == ["stde-jet", "stde"] * 5 + ["stde"]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert results.read_rows(tmp_path / "step.jsonl") == rows and len(rows) == 11
    assert (
        rows[0].items()
        >= (ENVIRONMENT | made_up(0.2, 900.0) | {"dim": 5, "method": "stde-jet", "repeat": 1}).items()
    )
    assert rows[0]["settings"].items() >= {"seed": 0, "num_samples": 2, "repeats": 3, "seconds": 0.5}.items()
    assert {"command", "date", "title"} <= rows[0].keys()
    assert "1/12  dim 5, stde-jet, repeat 1: 200 ms over 10 calls, 900 MB, 2.0 s to compile" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"step.jsonl", "step.md", "step.png"}
    again = command("step", "--out", str(tmp_path))
    assert again.exit_code == 2 and "already holds step.jsonl" in again.stderr


@pytest.mark.parametrize("dims", ["5", "5,50"], ids=["bars", "curves"])
def test_tables_are_medians_with_ratios_to_the_reference_of_their_case(machine, tmp_path, dims):
    text = command(*SMALL, "--dims", dims, "--out", str(tmp_path)).stdout
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    found = {tuple(cells[:2]): cells[2:] for cells in lines}
    assert found["5", "stde-jet"] == ["3.33", "300", "3.00×", "700", "1.40×", "2", "1", "0.2 (abcdef0)", ""]
    assert found["5", "stde"][2] == "1.00×"
    if dims == "5,50":
        assert found["50", "stde-jet"] == ["–"] * 7 + ["0.2 (abcdef0)", "out of memory: took more than 1 GB"]
        assert found["50", "stde"][:3] == ["1", "1000", "1.00×"]
    assert (tmp_path / "step.png").read_bytes().startswith(b"\x89PNG")


def test_methods_that_cannot_are_left_out_unless_they_are_named(machine):
    machine.refused = {"released": "Method `released` is written for another."}
    done = command("step", "--dims", "5", "--repeats", "1")
    assert done.exit_code == 0 and "- Left out: Method `released` is written for another." in done.stdout
    assert "released" not in machine.asked and len(machine.asked) == len(step.METHODS) - 1
    named = command("step", "--dims", "5", "--methods", "released")
    assert named.exit_code == 2 and named.stderr.strip().endswith("Method `released` is written for another.")


def test_a_line_that_was_cut_short_counts_as_none(tmp_path):
    path = tmp_path / "step.jsonl"
    path.write_text('{"a": 1}\n{"a": 2')
    results.append_row(path, {"a": 3})
    assert results.read_rows(path) == [{"a": 1}, {"a": 3}]
    assert results.read_rows(tmp_path / "none.jsonl") == []


# --- sources


def test_the_hash_of_sources_sees_contents_and_paths_and_not_where_they_are(tmp_path):
    def package(place, **files):
        folder = tmp_path / place / "package"
        for name, text in files.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "module.py").write_text(text)
            (folder / name / "notes.txt").write_text(place)
        return results.hash_of([folder])

    first = package("first", one="x = 1", two="y = 2")
    assert package("copied", two="y = 2", one="x = 1") == first
    others = {package("changed", one="x = 1", two="y = 3"), package("renamed", one="x = 1", three="y = 2")}
    assert len({first, package("swapped", one="y = 2", two="x = 1"), *others}) == 4


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_the_commit_is_that_of_the_checkout_and_says_what_changed(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=A", "-c", "user.email=a@b.invalid")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    assert results.commit_of(tmp_path) is None
    git("init")
    assert results.commit_of(tmp_path) is None  # nothing committed
    (tmp_path / "module.py").write_text("x = 1")
    git("add", "module.py")
    git("commit", "-m", "First")
    (tmp_path / "result.json").write_text("{}")
    assert results.commit_of(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "module.py").write_text("x = 2")
    assert results.commit_of(tmp_path) == git("rev-parse", "HEAD") + "-changed"


# --- the command line


@pytest.mark.slow
def test_steps_and_operators_are_measured_from_end_to_end(tmp_path):
    small = ["--repeats", "1", "--seconds", "0.05", "--batch", "4", "--json"]
    for arguments in (
        ["step", "--dims", "5", "--num-samples", "2", "--width", "8", "--methods", "stde,hand-written"],
        ["operators", "--workloads", "biharmonic", "--dims", "5", "--methods", "nested-forward,stde"],
    ):
        done = command(*arguments, *small, "--out", str(tmp_path))
        assert done.exit_code == 0, done.output
        first, second = map(json.loads, done.stdout.splitlines())
        assert first["status"] == second["status"] == "ok" and first["seconds"] > 0 and second["calls"] >= 3
        assert first["loss"] == pytest.approx(second["loss"], rel=1e-3)


BAD = {
    "method": (["step", "--methods", "stde-jt"], "Unknown method 'stde-jt'; did you mean 'stde-jet'"),
    "problem": (["step", "--problem", "sine-gordon"], "did you mean 'sine-gordon-two-body'"),
    "no dim": (["step", "--problem", "kdv"], "`kdv` has no dimension to choose"),
    "dims": (["step", "--dims", "5,x"], "Invalid value for '--dims': 'x' is not a valid integer range."),
    "dim 0": (["step", "--dims", "0"], "Invalid value for '--dims': 0 is not in the range x>=1."),
    "samples": (["step", "--num-samples", "0"], "'--num-samples': 0 is not in the range x>=1."),
    "seconds": (["step", "--seconds", "-1"], "'--seconds': -1.0 is not in the range x>0."),
    "memory": (["step", "--memory-limit", "0"], "'--memory-limit': 0.0 is not in the range x>0."),
    "seed": (["step", "--seed", "-1"], "'--seed': -1 is not in the range x>=0."),
    "reference": (["step", "--reference", "jet"], "Unknown method 'jet'; did you mean"),
    "command": (["stap"], "Unknown command 'stap'; did you mean 'step'"),
    "option": (["step", "--frobnicate"], "No such option '--frobnicate'."),
    "workload": (["operators", "--workloads", "kdv2"], "Unknown workload 'kdv2'; did you mean"),
    "size": (["operators", "--sizes", "L8"], "got 'L8'; for instance L=8."),
    "operator's method": (
        ["operators", "--methods", "folks"],
        "Unknown method 'folks'; did you mean 'folx'?",
    ),
    "nothing left": (["operators", "--workloads", "kp", "--methods", "folx"], "has a method among folx."),
    "out": (["step", "--out", __file__], "cannot be written"),
    "accuracy's problem": (["accuracy", "--problems", "kdvv"], "Unknown problem 'kdvv'; did you mean 'kdv'"),
    "only": (["accuracy", "--only", "ful"], "Invalid value for '--only': 'ful' is not one of"),
    "scale": (["accuracy", "--steps-scale", "0"], "'--steps-scale': 0.0 is not in the range x>0."),
    "accuracy's out": (["accuracy", "--out", __file__], "cannot be written"),
    "table": (["accuracy", "--table", "/proc/x/y.md"], "`--table`: /proc/x/y.md cannot be written"),
    "finished": (["samples", "--finished", "--again"], "ask for one of them"),
    "estimator": (["samples", "--estimators", "sdg"], "Unknown estimator 'sdg'; did you mean 'sdgd'"),
    "tangents": (["samples", "--tangents", "share"], "did you mean 'shared'?"),
    "samples' problem": (["samples", "--problems", "poison"], "Unknown problem 'poison'"),
    "steps": (["samples", "--steps", "-1"], "'--steps': -1 is not in the range x>=1."),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_sentence_and_nothing_is_written(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_too_many_samples_are_refused_before_anything_is_timed():
    done = command("step", "--dims", "5", "--methods", "stde")
    assert (
        done.exit_code == 2 and "Method `stde` cannot draw 16 of 5 terms without replacement" in done.stderr
    )


@pytest.mark.parametrize("words", ["", "step", "operators", "accuracy", "samples"])
def test_help_shows_examples_and_names(words):
    done = command(*words.split(), "--help")
    assert done.exit_code == 0 and "python -m benchmarks" in done.stdout.partition("Examples:")[2]
    names = {"step": step.METHODS, "operators": METHODS}.get(words, {})
    assert all(name in done.stdout for name in names)


def test_importing_takes_hold_of_nothing():
    code = (
        "import sys, benchmarks.__main__, jax; from jax._src import xla_bridge; "
        "assert not xla_bridge.backends_are_initialized(); "
        "print({'torch', 'folx', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tabulate" else True)
    assert 'needs tabulate: `pip install -e ".[bench]"`' in command("step").stderr
