"""The Black-Scholes-Barenblatt equation: exact solution, terminal condition, paths, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn
from interpreter import interpreted

import stde_core as stde
from stde_pdes import get_problem
from stde_pdes.diffusions import GeometricBrownianPaths
from stde_pdes.testing import worst_residual

NAME = "black-scholes-barenblatt"


@pytest.mark.parametrize("fields", [{}, {"dim": 1, "r": 0.0, "sigma": 1.0, "horizon": 2.0}, {"dim": 7}])
def test_exact_solution_fulfils_the_equation(fields):
    problem = get_problem(NAME, **fields)
    assert worst_residual(problem) < 1e-12
    points = drawn(problem.conditions[0].points, 5)
    np.testing.assert_allclose(problem.truth(points), at_each(problem.solution, points), rtol=1e-12)


def test_operator_agrees_with_nested_ad():
    problem = get_problem(NAME, dim=4)
    (condition,) = problem.conditions

    def u(x):
        return jnp.sin(x @ jnp.arange(1.0, 6.0)) * jnp.exp(x[0])

    (x,) = drawn(condition.points, 1, seed=1)

    def both(x):
        out = stde.estimate(condition.operators, u, x, stde.get_estimator("exact"))
        slope, hessian, s = jax.grad(u)(x), jax.hessian(u)(x), x[:-1]
        diffusion = 0.5 * 0.4**2 * jnp.sum(s**2 * jnp.diag(hessian)[:-1])
        expected = slope[-1] + diffusion - 0.05 * (u(x) - s @ slope[:-1])
        return condition.residual(x, out.primal, out.value), expected

    np.testing.assert_allclose(*interpreted(both)(x), rtol=1e-10)


@pytest.mark.parametrize("dim", [1, 4])
def test_ansatz_has_the_terminal_value_and_is_affine(dim):
    problem = get_problem(NAME, dim=dim, horizon=0.5)
    keys = jax.random.split(jax.random.key(2))
    f, g = (eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=k) for k in keys)
    points = np.array(drawn(problem.conditions[0].points, 20))
    at_end = np.concatenate([points[:, :-1], np.full((20, 1), 0.5)], axis=1)
    first, second, half = (
        interpreted(jax.vmap(problem.ansatz(net))) for net in (f, g, lambda z: 0.5 * (f(z) + g(z)))
    )
    np.testing.assert_allclose(first(at_end), (at_end[:, :-1] ** 2).sum(1), rtol=1e-12)
    middle, mean = half(points), 0.5 * (first(points) + second(points))
    np.testing.assert_allclose(middle, mean, rtol=1e-12)


def test_default_estimator_is_exact_on_the_solution():
    # Random signs meet a diagonal Hessian: no variance.
    problem = get_problem(NAME, dim=50)
    (condition,), estimator = problem.conditions, problem.estimator
    (x,) = drawn(condition.points, 1)

    @interpreted
    def residual(x, key):
        out = stde.estimate(condition.operators, problem.solution, x, estimator, key=key)
        return condition.residual(x, out.primal, out.value)

    np.testing.assert_allclose(residual(x, jax.random.key(3)), 0.0, atol=1e-11)


def test_geometric_brownian_paths_have_lognormal_moments():
    start, sigma, n = np.array([1.0, 0.5, 2.0]), 0.4, 40_000
    points = np.asarray(drawn(GeometricBrownianPaths(start, sigma, 2.0), n))
    x, t = points[:, :-1] / start, points[:, -1:]
    assert t.min() >= 0 and t.max() <= 2 and (x > 0).all()
    # (log x + σ²t/2) / (σ√t) is standard normal: standard errors 5e-3 of its mean, 7e-3 of its square.
    z = (np.log(x) + sigma**2 * t / 2) / (sigma * np.sqrt(t))
    np.testing.assert_allclose(z.mean(0), 0.0, atol=0.025)
    np.testing.assert_allclose(z.T @ z / n, np.eye(3), atol=0.035)
    # E x = 1, with E x² = e^{σ²t} ≤ 1.4.
    np.testing.assert_allclose(x.mean(0), 1.0, atol=0.015)


def test_paths_start_at_the_published_point():
    problem = get_problem(NAME, dim=5)
    np.testing.assert_array_equal(problem.origin, [1.0, 0.5, 1.0, 0.5, 1.0, 0.0])
    paths = problem.plot.paths()
    np.testing.assert_allclose(paths[:, 0], np.tile(problem.origin, (len(paths), 1)))
    assert (paths[:, :, :-1] > 0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ({"horizon": -1.0}, "`horizon` needs to be a positive number, got -1.0"),
        ({"sigma": 0.0}, "`sigma` needs to be a positive number, got 0.0"),
        ({"r": -0.1}, "`r` needs to be a number ≥ 0, got -0.1"),
    ],
)
def test_problem_refuses_what_it_cannot_be(fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(NAME, **fields)
