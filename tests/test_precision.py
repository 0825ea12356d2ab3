"""The precision of a run never changes its equation, and its parameters have it."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from helpers import jit
from stde_cli import cli
from test_contracts import PROBLEMS, names

from stde_pdes import get_problem, load
from stde_pdes.runs.precision import in_precision

# Short, so that its reference is quick.
FIELDS = PROBLEMS | {"kuramoto-sivashinsky": {"horizon": 0.01}}


QUICK = ["--steps", "12", "-m", "width=8", "-m", "depth=1", "-t", "batch=4", "-t", "test_points=40"]


def stde(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def network(features):
    return jnp.sin(jnp.sum(features))


def told(problem, points):
    """What a problem says at points: the solution, the ansatz of a network, right-hand sides and weights."""
    points, conditions = jnp.asarray(points, float), problem.conditions
    functions = [problem.ansatz(network), *(c.source for c in conditions if c.source is not None)]
    values = jit(lambda points: [jax.vmap(function)(points) for function in functions])(points)
    return [problem.truth(points), *values, *(condition.weight for condition in conditions)]


@pytest.mark.parametrize("name", names("problems", fast=["poisson-two-body", "hjb-lin"]))
def test_a_problem_is_the_same_in_single_and_in_double_precision(name):
    found = {}
    for precision in ("float32", "float64"):
        with in_precision(precision):
            problem = get_problem(name, **FIELDS.get(name, {}))
            if precision == "float32":
                points = np.asarray(problem.conditions[0].points(3, key=jax.random.key(0)))
            found[precision] = [np.asarray(value, float) for value in told(problem, points)]
    for single, double in zip(found["float32"], found["float64"], strict=True):
        # Hundreds of roundings of 6e-8; another draw would change the first digit.
        np.testing.assert_allclose(single, double, rtol=0, atol=1e-4 * np.abs(double).max())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "share"), [("float32", 0.227), ("float64", 0.348), ("bfloat16", 0.229)]
)
def test_parameters_have_the_precision_that_was_asked_for(precision, share, tmp_path):
    out = tmp_path / "run"
    options = ["allen-cahn-two-body", "--dim", "5", "--estimator", "exact", "-t", "learning_rate=1e-2"]
    result = stde("solve", *options, *QUICK, "--steps", "200", "--precision", precision, "--out", out)
    assert result.exit_code == 0, result.output
    _, u = load(out)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(eqx.filter(u.network, eqx.is_array))} == {precision}
    recorded = json.loads((out / "result.json").read_text())
    # Steps in bfloat16 itself come to 0.255; a seed draws other points in double precision.
    assert recorded["relative_l2"] / recorded["trivial_relative_l2"] == pytest.approx(share, rel=0.05)
    losses = [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert json.loads(stde("evaluate", out, "--json").stdout)["relative_l2"] == recorded["relative_l2"]


def test_precisions_without_meaning_are_refused():
    result = stde("solve", "kdv", "--precision", "float46")
    assert (
        result.exit_code == 2
        and "needs to be one of float32, float64, bfloat16, got 'float46'" in result.stderr
    )
    result = stde("solve", "kdv", "-t", "matmul_precision=hihgest")
    assert result.exit_code == 2 and "did you mean 'highest' or 'high'?" in result.stderr
    result = stde("solve", "kdv", "--checkpoint-seconds", "0")
    assert result.exit_code == 2 and "`--checkpoint-seconds` needs a number > 0, got 0." in result.stderr
    assert not Path("runs").exists()
