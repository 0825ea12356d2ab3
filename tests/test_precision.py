"""The precision of a run never changes its equation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import jit
from test_contracts import PROBLEMS, names

from stde_pdes import get_problem
from stde_pdes.runs import in_precision

# Short, so that its reference is quick.
FIELDS = PROBLEMS | {"kuramoto-sivashinsky": {"horizon": 0.01}}


def network(features):
    return jnp.sin(jnp.sum(features))


def told(problem, points):
    """What a problem says at points: the solution, the ansatz of a network, right-hand sides and weights."""
    points, conditions = jnp.asarray(points, float), problem.conditions
    functions = [problem.ansatz(network), *(c.source for c in conditions if c.source is not None)]
    values = jit(lambda points: [jax.vmap(function)(points) for function in functions])(points)
    return [problem.reference(points), *values, *(condition.weight for condition in conditions)]


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
