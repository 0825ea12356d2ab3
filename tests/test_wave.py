"""The wave equation: exact solution, both initial conditions, the sphere, points, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn
from interpreter import interpreted

import stde_core as stde
from stde_pdes import get_problem
from stde_pdes.domains import Interval, RadialBall
from stde_pdes.testing import worst_residual


@pytest.mark.parametrize("dim", [1, 3, 20])
def test_exact_solution_fulfils_the_equation(dim):
    problem = get_problem("wave", dim=dim)
    assert worst_residual(problem) < 1e-12
    points = drawn(problem.conditions[0].points, 5)
    np.testing.assert_allclose(problem.truth(points), at_each(problem.solution, points), rtol=1e-12)


def random_models(problem):
    keys = jax.random.split(jax.random.key(2))
    return [eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=k) for k in keys]


@pytest.mark.parametrize("dim", [1, 4])
def test_ansatz_has_all_data_and_is_affine(dim):
    problem = get_problem("wave", dim=dim, horizon=0.5)
    f, g = random_models(problem)
    first, second, half = (problem.ansatz(net) for net in (f, g, lambda z: 0.5 * (f(z) + g(z))))
    model, slope = interpreted(jax.vmap(first)), interpreted(jax.vmap(jax.grad(first)))
    points = np.array(drawn(problem.conditions[0].points, 20))
    x, t = points[:, :-1], points[:, -1:]
    at_start = np.concatenate([x, 0 * t], axis=1)
    np.testing.assert_allclose(model(at_start), np.sinh(x).sum(1), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(slope(at_start))[:, -1], 0.0, atol=1e-14)
    on_sphere = np.concatenate([x / np.linalg.norm(x, axis=1, keepdims=True), t], axis=1)
    np.testing.assert_allclose(model(on_sphere), problem.truth(jnp.asarray(on_sphere)), atol=1e-13)
    mean = 0.5 * (model(points) + at_each(second, points))
    np.testing.assert_allclose(at_each(half, points), mean, rtol=1e-12, atol=1e-14)


def test_ansatz_is_smooth_at_the_centre():
    problem = get_problem("wave")
    model = problem.ansatz(random_models(problem)[0])
    both = interpreted(lambda x: (model(x), jax.grad(model)(x), jax.hessian(model)(x)))
    at_centre = both(jnp.array([0.0, 0.0, 0.0, 0.7]))
    assert all(np.isfinite(v).all() for v in at_centre)
    for here, near in zip(at_centre, both(jnp.array([1e-8, 0.0, 0.0, 0.7])), strict=True):
        np.testing.assert_allclose(here, near, atol=1e-6)


def test_ansatz_knows_the_solution_on_the_boundary_only():
    problem = get_problem("wave")
    model = problem.ansatz(lambda z: 0.0 * z[0])
    points = drawn(problem.conditions[0].points, 1000)
    truth = problem.truth(points)
    error = np.linalg.norm(at_each(model, points) - truth) / np.linalg.norm(truth)
    assert error > 0.05


def test_time_is_never_sampled():
    problem = get_problem("wave", dim=20)
    (condition,) = problem.conditions
    estimator = stde.get_estimator("stde", num_samples=2)
    (x,) = drawn(condition.points, 1)

    @interpreted
    def estimated(x, key):
        return stde.estimate(condition.operators, problem.solution, x, estimator, key=key)

    out = estimated(x, jax.random.key(1))
    assert out.standard_error["u_tt"] == 0 and out.standard_error["Δu"] > 0


def test_points_with_time_are_uniform_in_time_and_independent_of_it():
    points = np.asarray(drawn(RadialBall(2) * Interval(0.0, 3.0), 40_000))
    r, t = np.linalg.norm(points[:, :-1], axis=1), points[:, -1]
    assert float(t.min()) >= 0 and float(t.max()) <= 3
    # Standard errors: 4.3e-3 of the mean of U[0, 3], 5e-3 of a correlation.
    assert abs(t.mean() - 1.5) < 0.02 and abs((t**2).mean() - 3.0) < 0.06
    assert abs(np.corrcoef(r, t)[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ({"horizon": -1.0}, "`horizon` needs to be a positive number, got -1.0"),
    ],
)
def test_problem_refuses_what_it_cannot_be(fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem("wave", **fields)
