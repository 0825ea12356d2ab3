"""Hamilton-Jacobi-Bellman equations: exact solutions, the integral, conditions built in, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import drawn
from interpreter import interpreted

from stde_pdes import get_problem
from stde_pdes.references import lqg_value, lqg_values, radial_solution
from stde_pdes.testing import worst_residual


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("hjb-lin", {}),
        ("hjb-lin", {"dim": 1, "c": 1.0, "horizon": 2.0}),
        ("hjb-lin", {"dim": 3, "c": 3.0}),
        ("hjb-lqg", {"dim": 1}),
        pytest.param("hjb-lqg", {"dim": 10, "mu": 0.3}, marks=pytest.mark.slow),
        pytest.param("hjb-lqg", {"dim": 7, "mu": 20.0, "horizon": 0.2}, marks=pytest.mark.slow),
    ],
)
def test_exact_solutions_fulfil_their_equations(name, fields):
    assert worst_residual(get_problem(name, **fields)) < 1e-12


def test_control_strength_matters_to_the_residual():
    problem, other = get_problem("hjb-lqg", dim=5), get_problem("hjb-lqg", dim=5, mu=1.1)
    (condition,), (stronger,) = problem.conditions, other.conditions
    (x,) = drawn(condition.points, 1)

    def residuals(x):
        primal, slope = problem.solution(x), jax.grad(problem.solution)(x)[:-1]
        values = {"u_t + Δu": jnp.sum(slope**2), "∇u": slope}
        return *(c.residual(x, primal, values) for c in (condition, stronger)), slope

    residual, larger, slope = map(np.asarray, interpreted(residuals)(x))
    assert abs(residual) < 1e-14
    np.testing.assert_allclose(larger, -0.1 * slope @ slope)


@pytest.mark.parametrize("dim", [1, 2, 10, 100, 100_000])
@pytest.mark.parametrize("mu", [0.01, 1.0, 50.0])
def test_lqg_integral_is_converged(dim, mu):
    squared, to_go = np.meshgrid([0.0, 1.0, 0.1 * dim, 2.0 * dim, 1e4], [0.0, 1e-4, 0.1, 1.0])

    def refinements(s, tau):
        return [lqg_value(s, tau, dim=dim, mu=mu, refinement=k) for k in (1, 3)]

    coarse, fine = interpreted(jax.vmap(refinements))(squared.ravel(), to_go.ravel())
    np.testing.assert_allclose(coarse, fine, rtol=0, atol=1e-10)


def test_lqg_integral_with_no_time_to_go_is_the_terminal_condition():
    squared = np.array([0.0, 0.5, 3.0, 1e4])
    values = lqg_values(squared, np.zeros(4), dim=100, mu=0.7)
    np.testing.assert_allclose(values, np.log((1 + squared) / 2), atol=1e-12)


@pytest.mark.parametrize("dim", [1, 10, 100])
def test_lqg_integral_agrees_with_monte_carlo(dim):
    mu, to_go, num_samples = 1.0, 0.6, 100_000
    x = np.linspace(-1, 1, dim)
    noise = np.random.default_rng(0).normal(size=(num_samples, dim))
    weights = (2 / (1 + ((x + (2 * to_go) ** 0.5 * noise) ** 2).sum(1))) ** mu
    (value,) = lqg_values(np.array([x @ x]), np.array([to_go]), dim=dim, mu=mu)
    standard_error = weights.std() / num_samples**0.5
    assert abs(weights.mean() - np.exp(-mu * value)) < 4 * standard_error


@pytest.mark.slow
def test_lqg_integral_agrees_with_the_radial_heat_equation():
    # exp(−μu) solves the heat equation, and is a rational function of |x|² at the end.
    rng = np.random.default_rng(0)
    times, squared, mu = rng.uniform(0, 1, 20), rng.uniform(0, 20, 20), 1.0
    heat = radial_solution(
        jnp.zeros_like,
        lambda s: 2 / (1 + s),
        dim=10,
        horizon=1.0,
        times=times,
        squared_radii=squared,
        width=1.0,
    )
    np.testing.assert_allclose(lqg_values(squared, 1 - times, dim=10, mu=mu), -np.log(heat) / mu, atol=1e-8)


def test_lqg_reference_at_the_origin_is_the_published_one():
    # 4.5901 by Monte Carlo: Han, Jentzen and E (2018).
    problem = get_problem("hjb-lqg")
    assert problem.truth(jnp.asarray(problem.origin)[None])[0] == pytest.approx(4.5901, abs=2e-4)


@pytest.mark.parametrize(
    ("name", "terminal"),
    [("hjb-lin", lambda x: x.sum(1)), ("hjb-lqg", lambda x: np.log((1 + (x**2).sum(1)) / 2))],
)
@pytest.mark.parametrize("dim", [1, 4])
def test_ansatz_has_the_terminal_value_and_is_affine(name, terminal, dim):
    problem = get_problem(name, dim=dim, horizon=0.5)
    keys = jax.random.split(jax.random.key(2))
    f, g = (eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=k) for k in keys)
    points = np.array(drawn(problem.conditions[0].points, 20))
    at_end = np.concatenate([points[:, :-1], np.full((20, 1), 0.5)], axis=1)
    first, second, half = (
        interpreted(jax.vmap(problem.ansatz(net))) for net in (f, g, lambda z: 0.5 * (f(z) + g(z)))
    )
    np.testing.assert_allclose(first(at_end), terminal(at_end[:, :-1]), rtol=1e-12)
    middle, mean = half(points), 0.5 * (first(points) + second(points))
    np.testing.assert_allclose(middle, mean, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("hjb-lin", {"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ("hjb-lin", {"c": 0.5}, "`c` needs to be a number ≥ 1, got 0.5"),
        ("hjb-lin", {"horizon": -1.0}, "`horizon` needs to be a positive number, got -1.0"),
        ("hjb-lqg", {"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ("hjb-lqg", {"mu": 0.0}, "`mu` needs to be a positive number, got 0.0"),
        ("hjb-lqg", {"horizon": float("nan")}, "`horizon` needs to be a positive number, got nan"),
    ],
)
def test_problems_refuse_what_they_cannot_be(name, fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(name, **fields)
