"""The command `stde solve`: what it writes and prints, and what it refuses."""

import dataclasses
import json
import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from click.testing import CliRunner
from stde_cli import cli

import stde_core as core
from stde_pdes import (
    LBFGS,
    MLP,
    Adam,
    Causal,
    GaussNewton,
    Residual,
    SelfAdaptive,
    Training,
    get_problem,
    hold_out,
)
from stde_pdes.options import parse, parse_training
from stde_pdes.runs.setup import Options, prepare

QUICK = ["--steps", "3", "-m", "width=8", "-m", "depth=1", "-t", "batch=4", "-t", "test_points=40"]
PROBLEMS = {
    "allen-cahn-two-body": ["--dim", "70", "-e", "num_samples=2"],
    "semilinear-heat": ["--dim", "3", "-e", "num_samples=2", "--estimator", "hutchinson"],
    "kdv": ["-p", "solution=two-soliton"],
    "kp": ["--estimator", "stde"],
}
KEYS = {
    *("problem", "dim", "estimator", "steps", "seed", "relative_l1", "relative_l2", "trivial_relative_l2"),
    *("affine_relative_l2", "steps_per_second", "seconds", "peak_memory_mb", "out"),
}


def stde(*arguments):
    return CliRunner().invoke(cli, ["solve", *arguments])


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n != "allen-cahn-two-body" else ()) for n in PROBLEMS],
)
def test_solve_writes_a_run_and_ends_with_json(name, tmp_path):
    out = tmp_path / "run"
    result = stde(name, *PROBLEMS[name], *QUICK, "--seed", "3", "--out", str(out), "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout.splitlines()[-1])
    assert printed.keys() >= KEYS
    assert (printed["problem"], printed["steps"], printed["seed"]) == (name, 3, 3)
    assert printed["affine_relative_l2"] > 0
    assert ("relative_error_origin" in printed) == (name == "semilinear-heat")
    assert {path.name for path in out.iterdir()} - {"checkpoint.eqx", ".lock"} == {
        *("run.json", "settings.toml", "metrics.jsonl", "model.eqx", "solution.png", "curves.png"),
        *("result.json", "report.html"),
    }
    assert json.loads((out / "result.json").read_text()) == printed
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == 3 and steps == sorted(steps)
    assert (out / "solution.png").read_bytes().startswith(b"\x89PNG")
    setup = json.loads((out / "run.json").read_text())
    assert setup["environment"]["versions"]["jax"] == jax.__version__
    assert setup["training"]["stages"][0]["batch"] == 4 and setup["seed"] == 3
    assert setup["model_name"] is None and setup["model"]["width"] == 8


@pytest.mark.slow
def test_the_saved_model_is_the_one_that_was_measured(tmp_path):
    out = tmp_path / "run"
    printed = stde("kdv", *QUICK, "--out", str(out), "--json")
    assert printed.exit_code == 0
    problem = get_problem("kdv")
    blank = MLP(8, 1)(problem.num_features, key=jax.random.key(9))
    network = eqx.tree_deserialise_leaves(out / "model.eqx", blank)
    held_out = hold_out(problem, 40)
    error = jax.vmap(problem.ansatz(network))(held_out.points) - held_out.truth
    relative = jnp.linalg.norm(error) / jnp.linalg.norm(held_out.truth)
    assert relative == pytest.approx(json.loads(printed.stdout.splitlines()[-1])["relative_l2"], rel=1e-9)


def setup_of(problem, **options):
    return prepare(problem, 0, Options(**options))


def test_a_named_network_takes_over_what_it_shares_with_the_problems_own():
    own = get_problem("kdv").network
    setup = setup_of("kdv", model_name="residual", model=["norm=true"])
    assert setup.problem.network == Residual(own.width, own.depth, own.activation, norm=True)
    assert setup.describe()["model_name"] == "residual" and setup.describe()["model"]["norm"] is True
    assert setup_of("kdv").problem.network == own
    assert setup_of("kdv", model=["width=7"]).problem.network == dataclasses.replace(own, width=7)


def test_parts_of_training_are_switched_and_set_and_recorded():
    options = ["steps=2", "causal=on", "lbfgs.steps=7", "lbfgs.memory=3", "gauss-newton=none"]
    setup = setup_of("kdv", training=options, gpinn_weight=0.5)
    training = setup.training
    own = get_problem("kdv").training
    assert training.weightings == (Causal(),)
    assert training.stages == (dataclasses.replace(own.stages[0], steps=2), LBFGS(steps=7, memory=3))
    assert training.gpinn_weight == 0.5 and training.resampling == own.resampling
    described = setup.describe()["training"]
    assert [(stage["name"], stage["steps"]) for stage in described["stages"]] == [("adam", 2), ("lbfgs", 7)]
    assert described["weightings"] == [{"name": "causal", "strength": 1.0}]
    json.dumps(setup.describe())


def test_steps_are_shared_out_among_the_optimisers():
    training = Training((Adam(600), GaussNewton(300), LBFGS(100)))
    fifth = training.lasting(200)
    assert [stage.steps for stage in fifth.stages] == [120, 60, 20]
    assert dataclasses.replace(fifth, stages=training.stages) == training
    assert [stage.steps for stage in training.lasting(4).stages] == [3, 1]
    assert [stage.steps for stage in training.lasting(1).stages] == [1]
    own = get_problem("kdv").training
    assert setup_of("kdv", steps=30).training == own.lasting(30) and len(own.stages) == 2


@pytest.mark.parametrize(
    ("start", "option", "expected"),
    [
        (Training(), "causal=on", Training(weightings=[Causal()])),
        (Training(), "causal.strength=3", Training(weightings=[Causal(3.0)])),
        (Training(weightings=[Causal(2.0)]), "causal=on", Training(weightings=[Causal(2.0)])),
        (Training(weightings=[Causal(2.0)]), "causal.strength=3", Training(weightings=[Causal(3.0)])),
        (Training(weightings=[Causal(2.0)]), "causal=none", Training()),
        (Training((Adam(), LBFGS(5, 6))), "lbfgs.batch=7", Training((Adam(), LBFGS(5, 7)))),
        (Training([LBFGS(5, 6)]), "steps=3", Training((Adam(3), LBFGS(5, 6)))),
        (Training(), "self_adaptive=on", Training(weightings=[SelfAdaptive()])),
    ],
)
def test_parts_begin_as_those_of_the_problem(start, option, expected):
    assert parse_training([option], start) == expected


def test_a_training_without_an_optimiser_is_refused():
    with pytest.raises(ValueError, match="`-t` leaves no optimiser to train with; give one"):
        parse_training(["adam=none"], Training())


@pytest.mark.slow
def test_a_run_with_every_part(tmp_path):
    out = tmp_path / "run"
    parts = ["--model", "fourier", "--gpinn-weight", "0.001", "-t", "causal=on", "-t", "resampling=on"]
    stages = [
        "-t",
        "steps=3",
        "-t",
        "gauss_newton.steps=2",
        "-t",
        "gauss_newton.batch=5",
        "-t",
        "lbfgs.steps=2",
    ]
    result = stde("kdv", *QUICK[2:], *parts, *stages, "-t", "lbfgs.batch=5", "--out", str(out), "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout.splitlines()[-1])
    assert printed["steps"] == 7
    assert printed["parameters"] == 128 * 8 + 8 + 8 + 1  # without the 64 frequencies
    assert json.loads((out / "run.json").read_text())["training"]["stages"][1]["batch"] == 5


@pytest.mark.slow
def test_same_seed_same_errors(tmp_path):
    runs = [
        json.loads(stde("kdv", *QUICK, "--out", str(tmp_path / str(i)), "--json").stdout.splitlines()[-1])
        for i in range(2)
    ]
    assert runs[0]["relative_l2"] == runs[1]["relative_l2"]


@pytest.mark.slow
def test_without_out_a_new_directory_is_made_each_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        result = stde("kdv", *QUICK)
        assert result.exit_code == 0 and "relative L2 error" in result.stdout
    made = sorted(Path("runs").iterdir())
    assert len(made) == 2 and all(path.name.startswith("kdv-") for path in made)


BAD = {
    "close name": (["alen-cahn"], "Unknown problem 'alen-cahn'; did you mean 'allen-cahn-two-body'"),
    "dim 0": (["allen-cahn-two-body", "--dim", "0"], "`dim` needs an integer ≥ 2, got 0."),
    "dim -3": (["allen-cahn-two-body", "--dim", "-3"], "`dim` needs an integer ≥ 2, got -3."),
    "dim x": (["allen-cahn-two-body", "--dim", "x"], "'x' is not a valid integer."),
    "dim twice": (["allen-cahn-two-body", "--dim", "3", "-p", "dim=4"], "Give the dimension once"),
    "no dim": (
        ["kp", "--dim", "3"],
        "`kp` has 2 space dimensions and no other, got `--dim 3`; leave it out.",
    ),
    "samples": (["allen-cahn-two-body", "--dim", "9", "-e", "num_samples=10"], "use the `exact` estimator."),
    "no samples": (["allen-cahn-two-body", "-e", "num_samples=0"], "needs an integer ≥ 1, got 0."),
    "option": (["kdv", "--frobnicate"], "No such option '--frobnicate'."),
    "field": (["kdv", "-p", "solutoin=soliton"], "Unknown field 'solutoin'; did you mean 'solution'?"),
    "choice": (["kdv", "-p", "solution=soli"], "did you mean 'soliton' or 'two-soliton'?"),
    "form": (["kdv", "-p", "solution"], "is not of the form name=value"),
    "bool": (["allen-cahn-two-body", "-e", "sampler.replace=1"], "needs true or false."),
    "number": (["semilinear-heat", "-p", "horizon=soon"], "needs a number, got 'soon'."),
    "not positive": (["semilinear-heat", "-p", "horizon=-1"], "`horizon` needs to be a positive number"),
    "sampler": (["allen-cahn-two-body", "-e", "sampler=gausian"], "did you mean 'gaussian'?"),
    "unbiased": (["kdv", "-t", "unbiased=true"], "`unbiased` needs stages that draw anew every step, got"),
    "dotted": (["kdv", "-p", "solution.x=1"], "'solution' has no fields of its own."),
    "from Python": (["allen-cahn-two-body", "-e", "sampler.probabilities=1"], "set it from Python."),
    "estimator": (["kdv", "--estimator", "exat"], "Unknown estimator 'exat'; did you mean 'exact'?"),
    "refused": (["kp", "--estimator", "hutchinson"], "Estimator `hutchinson` estimates operators of order 2"),
    "network": (["kdv", "-m", "width=0"], "`MLP(width)` needs an integer ≥ 1, got 0."),
    "model": (["kdv", "--model", "mpl"], "Unknown network 'mpl'; did you mean 'mlp'?"),
    "of the model": (["kdv", "-m", "norm=true"], "`-m norm=…`: Unknown field 'norm'; known are: activation"),
    "blocks": (
        ["kdv", "--model", "block-shared"],
        "needs a divisor of 2, the number of shared inputs, got 50",
    ),
    "scale": (["kdv", "--model", "fourier", "-m", "scale=-1"], "`Fourier(scale)` needs to be a positive"),
    "steps": (["kdv", "--steps", "0"], "`steps` needs an integer ≥ 1, got 0."),
    "stage twice": (["kdv", "--steps", "3", "-t", "lbfgs.steps=3"], "or `-t lbfgs.steps=VALUE`."),
    "schedule": (["kdv", "-t", "schedule=lin"], "did you mean 'linear'?"),
    "seed": (["kdv", "--seed", "-1"], "`--seed` needs an integer from 0 to 2147483647, got -1."),
    "rate": (["kdv", "-t", "learning_rate=inf"], "`learning_rate` needs to be a positive number, got inf."),
    "huge": (["allen-cahn-two-body", "--dim", "1" + 20 * "0"], "`dim` needs an integer ≤ 2147483647"),
    "steps twice": (["kdv", "--steps", "3", "-t", "steps=3"], "Give steps once: `--steps VALUE` for all"),
    "gpinn": (["kdv", "--gpinn-weight", "-1"], "`gpinn_weight` needs to be a number ≥ 0, got -1.0."),
    "gpinn twice": (["kdv", "--gpinn-weight", "1", "-t", "gpinn_weight=1"], "as `--gpinn-weight VALUE` or"),
    "gpinn text": (["kdv", "--gpinn-weight", "big"], "'big' is not a valid float."),
    "switch": (["kdv", "-t", "causal=yes"], "`-t causal=yes` needs on or none; its fields are set by"),
    "off and set": (["kdv", "-t", "lbfgs=none", "-t", "lbfgs.steps=2"], "leaves no `-t lbfgs.steps` to set"),
    "part": (["kdv", "-t", "causal.strenght=2"], "Unknown field 'strenght'; did you mean 'strength'?"),
    "no part": (["kdv", "-t", "batch.size=2"], "'batch' has no fields of its own."),
    "below a part": (["kdv", "-t", "lbfgs.steps.x=2"], "'steps' has no fields of its own."),
    "part's value": (["kdv", "-t", "causal.strength=-2"], "`causal.strength` needs to be a positive number"),
    "part's type": (["kdv", "-t", "gauss_newton.batch=x"], "`-t gauss_newton.batch=x` needs an integer"),
    "no time": (["allen-cahn-two-body", "-t", "causal=on"], "`causal` needs a problem in time"),
    "empty name": (["kdv", "--estimator", ""], "Unknown estimator ''"),
    "no problem": ([], "`stde solve` needs a PROBLEM, or `--config FILE`"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_sentence_and_nothing_is_written(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = stde(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_directory_in_use_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    result = stde("kdv", *QUICK, "--out", str(tmp_path))
    assert result.exit_code == 2 and "is not an empty directory; name a new one, or" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("out", ["file/run", "file"])
def test_an_out_that_cannot_be_a_directory_is_refused(out, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = stde("kdv", *QUICK, "--out", str(tmp_path / out))
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_unwritable_out_is_refused(tmp_path):
    if os.geteuid() == 0:
        locked = Path("/proc/stde-run")  # not even root can write there
    else:
        tmp_path.chmod(0o500)
        locked = tmp_path / "run"
    result = stde("kdv", *QUICK, "--out", str(locked))
    assert result.exit_code == 2 and "cannot be written to" in result.stderr


@pytest.mark.slow
def test_a_run_that_diverges_ends_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("stde_pdes.training.objective.Objective.loss", lambda *_: jnp.sum(jnp.nan))
    result = stde("kdv", *QUICK, "--out", str(tmp_path / "run"))
    assert result.exit_code == 2 and "Lower `learning_rate`" in result.stderr
    assert (tmp_path / "run" / "metrics.jsonl").exists()


def test_help_shows_examples():
    result = stde("--help")
    assert result.exit_code == 0 and "stde solve kdv -p solution=two-soliton" in result.stdout


def averaged(estimator: core.AbstractEstimator, repeats: int = 8):
    return estimator, repeats


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["estimator.num_samples=3"], "`-e estimator.…` needs a name first: `-e estimator=NAME`"),
        (["estimator=stde"], "`-e estimator=stde` needs `num_samples`: give `num_samples=…`"),
    ],
)
def test_a_field_that_holds_something_registered_says_what_it_lacks(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        parse(averaged, options, "-e")


def test_a_field_that_holds_something_registered_is_built_with_its_own_fields():
    parsed = parse(averaged, ["estimator=stde", "estimator.num_samples=3", "repeats=2"], "-e")
    assert parsed == {"estimator": core.get_estimator("stde", num_samples=3), "repeats": 2}
