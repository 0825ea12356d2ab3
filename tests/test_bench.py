"""`python -m benchmarks`: methods of a row compute the same, published readings are what is said of them, and
what goes wrong is a row or a sentence."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from click.testing import CliRunner
from helpers import assert_close, jit, mixed

from benchmarks import Outcome, _schedule
from benchmarks._equations import EQUATIONS
from benchmarks._figure import draw
from benchmarks._methods import METHODS
from benchmarks._networks import network
from benchmarks._operators import OperatorTask
from benchmarks._processes import Limits, ask
from benchmarks._report import Report, summarise
from benchmarks._schedule import Budget
from benchmarks._step import StepTask
from benchmarks._table import markdown
from benchmarks._worker import time_calls
from benchmarks._workloads import WORKLOADS
from benchmarks.baselines import nested_reverse, published_jets
from benchmarks.commands import bench
from stde_pdes import MLP, Residual, Training, get_problem

ROOT = Path(__file__).parent.parent

# --- methods of one training step

SAMPLED = (
    "sdgd-reverse-scan",
    "sdgd-reverse",
    "sdgd-forward-over-reverse",
    "stde-jet",
    "stde",
    "hand-written",
)


def losses_and_gradients(methods, problem, training, num_samples):
    """By all methods, compiled at once."""
    net = MLP(width=4, depth=2)(problem.num_features, key=jax.random.key(1))
    params, static = eqx.partition(net, eqx.is_inexact_array)
    key = jax.random.key(2)

    def by(method):
        objective = METHODS[method].objective(problem, training, num_samples)
        return jax.value_and_grad(lambda params: objective(eqx.combine(params, static), key=key))

    return jit(lambda params: [by(method)(params) for method in methods])(params)


@pytest.mark.parametrize(
    ("name", "shared", "num_samples", "methods"),
    [
        ("sine-gordon-two-body", False, 3, SAMPLED),
        ("sine-gordon-two-body", True, 3, ("stde-jet", "stde", "hand-written")),
        ("sine-gordon-two-body", False, 6, ("forward-laplacian", "stde", "hand-written")),
        ("allen-cahn-two-body", False, 3, ("stde", "hand-written")),
    ],
    ids=["per point", "shared", "all dimensions", "another reaction"],
)
@pytest.mark.slow
def test_all_methods_of_a_step_have_one_loss_and_gradient(name, shared, num_samples, methods):
    problem, training = get_problem(name, dim=6), Training(batch=3, shared_tangents=shared)
    first, *others = losses_and_gradients(methods, problem, training, num_samples)
    assert first[0] > 0
    for other in others:
        assert_close(other, first, rtol=1e-9)


def test_a_step_advances_and_counts_its_time():
    task = StepTask("hand-written", 5, "sine-gordon-two-body", 2, 4, 8, 2, shared_tangents=False, seed=0)
    outcome = time_calls(task.build().ready(), seconds=0.01)
    assert outcome.status == "ok" and outcome.calls >= 3 and outcome.seconds > 0
    assert outcome.trace_seconds > 0 and outcome.compile_seconds > 0 and outcome.peak_memory_mb > 50


# --- operators

PUBLISHED = {
    "kdv_2d_13_jet": "kdv-2d",
    "kdv_2d_9_jet": "kdv-2d",
    "kp_jets": "kp",
    "g_kdv_jets": "g-kdv",
}
REVERSE = {"kdv_2d": "kdv-2d", "kp": "kp", "g_kdv": "g-kdv"}


@pytest.fixture(scope="module")
def u():
    return eqx.nn.MLP(3, "scalar", 6, 1, jnp.tanh, key=jax.random.key(0))


def at(equation, u):
    """A model and a point with as many inputs as the equation has."""
    inputs = EQUATIONS[equation].inputs
    point = jnp.array([0.3, -0.2, 0.4])[:inputs]
    return (lambda p: u(jnp.pad(p, (0, 3 - inputs)))), point


def truth(model, point, names):
    """Derivatives such as u_xxxy by name, by nested forward mode."""
    axes = dict(zip("xyt" if len(point) == 3 else "xt", range(3), strict=False))

    def derivative(name, point):
        return mixed(model, point, *(axes[letter] for letter in name.removeprefix("u_")))

    return jit(lambda point: {name: derivative(name, point) for name in names})(point)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_jets_read_right_what_is_not_listed_as_wrong(name, u):
    model, point = at(PUBLISHED[name], u)
    readings = jit(lambda point: getattr(published_jets, name)(model, point))(point)
    assert_close(readings.pop("u"), model(point))
    assert readings.keys() == EQUATIONS[PUBLISHED[name]].derivatives.keys()
    expected = truth(model, point, readings)
    wrong = {reading for reading in readings if abs(readings[reading] / expected[reading] - 1) > 1e-6}
    assert wrong == set(published_jets.WRONG.get(name, ()))


def test_wrong_readings_are_the_sums_that_they_are_said_to_be(u):
    model, point = at("kdv-2d", u)
    thirteen, nine = (
        jit(lambda point, jets=jets: jets(model, point))(point)
        for jets in (published_jets.kdv_2d_13_jet, published_jets.kdv_2d_9_jet)
    )
    d = truth(model, point, ["u_t", "u_xx", "u_xy", "u_ty", "u_xyy", "u_xxt", "u_xxxy"])
    assert_close(thirteen["u_xx"], 10 * d["u_xx"])
    assert_close(35 * thirteen["u_xy"], 35 * d["u_xy"] + d["u_t"])
    assert_close(330 * thirteen["u_ty"], 330 * d["u_ty"] + 5775 * d["u_xyy"])
    assert_close(200200 * thirteen["u_xxxy"], 200200 * d["u_xxxy"] + 17160 * d["u_xxt"])
    assert_close(840 * nine["u_xxxy"], 1260 * d["u_xxxy"])


@pytest.mark.parametrize("name", REVERSE)
def test_nested_reverse_mode_gives_the_derivatives_that_it_names(name, u):
    model, point = at(REVERSE[name], u)
    readings = jit(lambda point: getattr(nested_reverse, name)(model, point))(point)
    assert_close(readings.pop("u"), model(point))
    assert readings.keys() == EQUATIONS[REVERSE[name]].derivatives.keys()
    assert_close(readings, truth(model, point, readings))


@pytest.mark.parametrize(
    ("name", "size"), [*((name, "base") for name in WORKLOADS), ("laplacian", "residual-8")]
)
def test_all_methods_of_an_operator_have_one_loss_and_gradient(name, size, monkeypatch):
    def small(size, inputs, *, key):
        mlp = eqx.nn.MLP(inputs, "scalar", 4, 1, jnp.tanh, key=key)
        return Residual(4, 1, norm=True)(inputs, key=key) if size == "residual-8" else mlp

    monkeypatch.setattr("benchmarks._operators.network", small)
    workload = WORKLOADS[name]
    dim = 3 if workload.any_dim else workload.dims[0]
    right = [method for method, entry in workload.methods.items() if "wrong" not in entry.note]
    works = [OperatorTask(method, name, dim, size, batch=2, seed=0).build() for method in right]
    functions = [work.function for work in works]
    first, *others = jit(lambda *arguments: [f(*arguments) for f in functions])(
        works[0].state, 0, *works[0].arguments
    )
    assert others
    for other in others:
        assert_close(other, first, rtol=1e-8)


@pytest.mark.parametrize(
    ("size", "count"),
    [("base", 4), ("L=8", 8), ("h=16", 4), ("residual-8", 8)],
)
def test_sizes_count_layers_with_the_output(size, count):
    leaves = jax.tree.leaves(
        network(size, 3, key=jax.random.key(0)), is_leaf=lambda n: isinstance(n, eqx.nn.Linear)
    )
    linear = [leaf for leaf in leaves if isinstance(leaf, eqx.nn.Linear)]
    assert len(linear) == count
    assert linear[1].weight.shape == ((16, 16) if size == "h=16" else (128, 128))


# --- processes, and what comes of them

TASK = dataclasses.asdict(StepTask("stde", 5, "sine-gordon-two-body", 2, 4, 8, 1, False, 0))
REQUEST = {"command": "step", "task": TASK, "seconds": 0.01, "memory_limit_mb": None}


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(seconds=0.2), "out of time"), (Limits(memory_mb=30.0), "out of memory")],
    ids=["time", "memory"],
)
def test_a_process_that_takes_too_much_is_ended_and_says_so(limits, status):
    outcome = ask(REQUEST, limits)
    assert isinstance(outcome, Outcome) and outcome.status == status and outcome.seconds is None


def test_a_process_is_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = ask({"command": "step", "check": [TASK]}, Limits())
    assert isinstance(answer, dict) and answer["refusals"] == [None]


def test_a_crash_is_an_outcome_with_its_cause():
    outcome = ask({"command": "step", "check": [{"method": "stde"}]}, Limits())
    assert isinstance(outcome, Outcome) and outcome.status == "failed" and "TypeError" in outcome.reason


def test_an_error_in_a_method_is_an_outcome_with_its_cause(monkeypatch, capsys):
    from benchmarks import _worker

    request = REQUEST | {"task": TASK | {"num_samples": 7}}
    monkeypatch.setattr(sys, "argv", ["worker", json.dumps(request)])
    _worker.main()
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["status"] == "failed" and "cannot draw 7 of 5" in answer["reason"]


def test_methods_alternate_and_those_that_failed_are_not_tried_again(monkeypatch):
    asked = []

    def fake(request, limits):
        asked.append(request["task"]["method"])
        if request["task"]["method"] == "stde-jet":
            return Outcome("out of memory", "took more than 1 GB")
        return dataclasses.asdict(made_up(0.1))

    monkeypatch.setattr(_schedule, "ask", fake)
    tasks = [StepTask(**TASK | {"method": method}) for method in ("stde-jet", "stde", "hand-written")]
    _schedule.measure(
        "step", [tasks], Budget(3, 1.0, None, 9.0), lambda event: None, lambda task, outcome: None
    )
    assert asked == ["stde-jet", "stde", "hand-written", "stde", "hand-written", "stde", "hand-written"]


def made_up(seconds, memory=500.0):
    return Outcome("ok", "", seconds, 10, 0.5, 1.5, memory, 1.0)


@pytest.fixture
def report():
    def task(method, dim):
        return StepTask(**TASK | {"method": method, "dim": dim})

    measured = [
        (task("stde-jet", 5), [made_up(0.2, 900.0), made_up(0.5), made_up(0.3, 700.0)]),
        (task("stde", 5), [made_up(0.1), made_up(0.1), made_up(0.4)]),
        (task("stde-jet", 50), [Outcome("out of memory", "took more than 1 GB")]),
        (task("stde", 50), [made_up(1.0)]),
    ]
    environment = {
        "command": "python -m benchmarks step",
        "date": "2026-01-01",
        "device": "cpu:cpu",
        "cpus": 2,
        "precision": "float32",
        "matmul_precision": "highest",
        "python": "3.11",
        "versions": {"jax": jax.__version__},
    }
    settings = {"seed": 0, "repeats": 3}
    rows = summarise(measured, "stde")
    return Report("step", "One training step: small", settings, environment, "stde", (), rows)


def test_rows_are_medians_with_ratios_to_the_reference_of_their_case(report):
    slow, fast, failed, alone = report.rows
    assert (slow.seconds, fast.seconds, alone.seconds) == (0.3, 0.1, 1.0)
    assert slow.ratios == pytest.approx({"seconds": 3.0, "peak_memory_mb": 1.4, "preparation_seconds": 1.0})
    assert fast.ratios["seconds"] == alone.ratios["seconds"] == 1.0
    assert (failed.status, failed.seconds, failed.ratios) == ("out of memory", None, None)


def test_the_table_says_what_failed(report):
    lines = markdown(report).splitlines()
    assert any(
        "| 50 | stde-jet | – |" in line and "out of memory: took more than 1 GB" in line for line in lines
    )
    assert any("| 5 | stde-jet | 3.33 | 300 | 3.00× |" in line for line in lines)


@pytest.mark.parametrize("dims", [(5,), (5, 50)], ids=["bars", "curves"])
def test_the_picture_is_drawn(report, dims, tmp_path):
    rows = tuple(row for row in report.rows if row.case["dim"] in dims)
    draw(dataclasses.replace(report, rows=rows), tmp_path / "step.png")
    assert (tmp_path / "step.png").read_bytes().startswith(b"\x89PNG")


# --- the command line


def command(*arguments):
    return CliRunner().invoke(bench, arguments)


@pytest.mark.slow
def test_a_step_is_measured_from_end_to_end(tmp_path):
    small = ["--dims", "5", "--num-samples", "2", "--batch", "4", "--width", "8", "--repeats", "1"]
    result = command(
        *("step", *small, "--seconds", "0.05", "--methods", "stde,hand-written"),
        *("--json", "--out", str(tmp_path)),
    )
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert [row["method"] for row in printed["rows"]] == ["stde", "hand-written"]
    for row in printed["rows"]:
        assert row["status"] == "ok" and row["seconds"] > 0 and row["peak_memory_mb"] > 50
        assert row["loss"] == pytest.approx(printed["rows"][0]["loss"], rel=1e-4)
    assert printed["environment"]["versions"]["jax"] == jax.__version__
    known = {"date", "command", "device", "precision", "cpus", "sources", "commit"}
    assert printed["environment"].keys() >= known
    assert printed["settings"]["seed"] == 0
    assert json.loads((tmp_path / "step.json").read_text()) == printed
    assert {path.name for path in tmp_path.iterdir()} == {"step.json", "step.md", "step.png"}
    assert "1/2  dim 5, stde, repeat 1: " in result.stderr
    again = command("step", "--out", str(tmp_path))
    assert again.exit_code == 2 and "already holds step.json" in again.stderr


BAD = {
    "method": (["step", "--methods", "stde-jt"], "Unknown method 'stde-jt'; did you mean 'stde-jet'"),
    "problem": (["step", "--problem", "sine-gordon"], "did you mean 'sine-gordon-two-body'"),
    "no dim": (["step", "--problem", "kdv"], "`kdv` has no dimension to choose"),
    "dims": (["step", "--dims", "5,x"], "`--dims` needs integers separated by commas, got '5,x'."),
    "dim 0": (["step", "--dims", "0"], "`dim` needs an integer ≥ 1, got 0."),
    "samples": (["step", "--num-samples", "0"], "`num_samples` needs an integer ≥ 1, got 0."),
    "batch": (["step", "--batch", "-1"], "`batch` needs an integer ≥ 1, got -1."),
    "repeats": (["step", "--repeats", "0"], "`repeats` needs an integer ≥ 1, got 0."),
    "seconds": (["step", "--seconds", "-1"], "`seconds` needs to be a positive number, got -1.0."),
    "memory": (["step", "--memory-limit", "0"], "`memory_limit` needs to be a positive number, got 0.0."),
    "time": (["step", "--time-limit", "nan"], "`time_limit` needs to be a positive number, got nan."),
    "seed": (["step", "--seed", "-1"], "`seed` needs an integer ≥ 0, got -1."),
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
    "operator's dim": (["operators", "--dims", "-2"], "`dim` needs an integer ≥ 1, got -2."),
    "out": (["step", "--out", __file__], "cannot be written to"),
    "too many samples": (
        ["step", "--dims", "5", "--methods", "stde"],
        "Method `stde` cannot draw 16 of 5 terms without replacement",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_sentence_before_anything_is_measured(arguments, message):
    result = command(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["step"], ["operators"]], ids=["all", "step", "operators"])
def test_help_shows_examples_and_names(words):
    result = command(*words, "--help")
    assert result.exit_code == 0 and "python -m benchmarks" in result.stdout.partition("Examples:")[2]
    names = {"step": METHODS, "operators": WORKLOADS}.get("".join(words), {})
    assert all(name in result.stdout for name in names)


def test_importing_takes_hold_of_nothing():
    code = (
        "import sys, benchmarks.commands, jax; from jax._src import xla_bridge; "
        "assert not xla_bridge.backends_are_initialized(); "
        "print({'torch', 'folx', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
