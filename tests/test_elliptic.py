"""Elliptic and biharmonic problems: right-hand sides, their cost, hard conditions, points, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn
from interpreter import interpreted

from stde_pdes import get_problem
from stde_pdes.domains import RadialBall, Shell, Spheres
from stde_pdes.problems.interactions import ManyBody, three_body, two_body
from stde_pdes.testing import worst_residual

EQUATIONS = ("poisson", "allen-cahn", "sine-gordon")
INTERACTIONS = {"two-body": (2, two_body), "three-body": (3, three_body)}
NAMES = [f"{equation}-{bodies}" for equation in EQUATIONS for bodies in INTERACTIONS]


def laplacian(u):
    """By nested AD."""
    return lambda x: jnp.trace(jax.hessian(u)(x))


def random_model(problem, seed=2):
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(seed))
    return problem.ansatz(network)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dim", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_exact_solutions_fulfil_their_equations(name, dim):
    assert worst_residual(get_problem(name, dim=dim, coefficient_seed=3)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["ball", "shell"])
@pytest.mark.parametrize("dim", [3, 8])
def test_exact_solutions_fulfil_the_biharmonic_equation(domain, dim):
    assert worst_residual(get_problem("biharmonic", dim=dim, domain=domain)) < 1e-12


@pytest.mark.parametrize(
    ("name", "dim", "reaction"),
    [
        ("allen-cahn-two-body", 2, lambda u: u - u**3),
        ("sine-gordon-three-body", 3, jnp.sin),
        pytest.param("allen-cahn-two-body", 12, lambda u: u - u**3, marks=pytest.mark.slow),
        pytest.param("sine-gordon-three-body", 12, jnp.sin, marks=pytest.mark.slow),
    ],
)
def test_sources_agree_with_nested_ad(name, dim, reaction):
    problem = get_problem(name, dim=dim)

    def expected(x):
        return laplacian(problem.solution)(x) + reaction(problem.solution(x))

    points = drawn(RadialBall(dim), 5, seed=1)
    got = at_each(problem.conditions[0].source, points)
    np.testing.assert_allclose(got, at_each(expected, points), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("domain", ["ball", "shell"])
@pytest.mark.parametrize("dim", [3, 8])
@pytest.mark.slow
def test_sources_of_the_biharmonic_equation_agree_with_nested_ad(domain, dim):
    problem = get_problem("biharmonic", dim=dim, domain=domain)
    points = drawn(problem.conditions[0].points, 4, seed=1)
    expected = at_each(laplacian(laplacian(problem.solution)), points)
    np.testing.assert_allclose(at_each(problem.conditions[0].source, points), expected, rtol=1e-10)


def test_the_exact_solutions_are_those_of_the_paper():
    def solution(name, x):
        return interpreted(get_problem(name, dim=4, coefficient_seed=7).solution)(x)

    x = np.array([0.3, -0.4, 0.2, 0.5])
    c = np.asarray(jax.random.normal(jax.random.key(7), (3,), jnp.float32), float)
    pairs = sum(c[i] * np.sin(x[i] + np.cos(x[i + 1]) + x[i + 1] * np.cos(x[i])) for i in range(3))
    got = solution("sine-gordon-two-body", x)
    assert got == pytest.approx((1 - x @ x) * pairs, rel=1e-12)
    c = np.asarray(jax.random.normal(jax.random.key(7), (2,), jnp.float32), float)
    threes = sum(c[i] * np.exp(x[i] * x[i + 1] * x[i + 2]) for i in range(2))
    got = solution("poisson-three-body", x)
    assert got == pytest.approx((1 - x @ x) * threes, rel=1e-12)
    x = 3 * x
    got = solution("biharmonic", x)
    threes = sum(c[i] * np.exp(x[i] * x[i + 1] * x[i + 2]) for i in range(2))
    assert got == pytest.approx((1 - x @ x) * (4 - x @ x) * threes, rel=1e-12)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize(("bodies", "interaction"), INTERACTIONS.values(), ids=INTERACTIONS)
def test_right_hand_sides_cost_linear_time_and_memory_in_the_dimension(bodies, interaction, order):
    def right(dim):
        u = ManyBody(jnp.ones(dim - bodies + 1), bodies, ((lambda s: 1 - s, interaction),))
        return u.laplacian() if order == 2 else u.laplacian().laplacian()

    def lowered(dim):
        return jax.jit(lambda x: right(dim)(x)).lower(jax.ShapeDtypeStruct((dim,), jnp.float64))

    # Within one block, since what a loop repeats is counted once.
    few, many = (lowered(dim).cost_analysis()["flops"] for dim in (1_600, 16_000))
    assert many <= 12 * few
    trace = jax.make_jaxpr(right(1_000_000))(jnp.zeros(1_000_000)).jaxpr
    assert max(v.aval.size for eqn in trace.eqns for v in eqn.outvars) <= 1_000_000
    few, many = (lowered(dim).compile().memory_analysis().temp_size_in_bytes for dim in (100_000, 1_000_000))
    assert many <= 12 * few


@pytest.mark.parametrize("dim", [2**14 + 1, 2 * 2**14 + 7])
def test_blocks_of_places_add_up(dim):
    problem = get_problem("poisson-two-body", dim=dim)
    x, c = drawn(RadialBall(dim), 1)[0], problem.solution.coefficients
    expected = interpreted(lambda x: (1 - x @ x) * jnp.sum(c * two_body(x[:-1], x[1:])))(x)
    np.testing.assert_allclose(interpreted(problem.solution)(x), expected, rtol=1e-12)


def on_sphere(radius, dim):
    return drawn(Spheres(dim, (radius,)), 20)


def slope(u, x):
    """The derivative along x/|x|."""
    return jax.grad(u)(x) @ x / jnp.linalg.norm(x)


@pytest.mark.parametrize("name", ["allen-cahn-two-body", "poisson-three-body", "biharmonic"])
def test_ansatz_vanishes_on_the_spheres(name):
    problem = get_problem(name, dim=4)
    for radius in (1.0, 2.0) if name == "biharmonic" else (1.0,):
        values = at_each(random_model(problem), on_sphere(radius, 4))
        assert np.max(np.abs(values)) < 1e-13 * problem.ansatz.scale


def test_ansatz_of_the_biharmonic_equation_is_clamped_on_the_ball():
    problem = get_problem("biharmonic", dim=4, domain="ball")
    model = random_model(problem)
    values, slopes = at_each(lambda x: (model(x), slope(model, x)), on_sphere(1.0, 4))
    assert np.max(np.abs(values)) < 1e-13 * problem.ansatz.scale
    assert np.max(np.abs(slopes)) < 1e-13 * problem.ansatz.scale


def test_normal_derivative_on_the_shell_is_asked_for_and_is_that_of_the_solution():
    problem = get_problem("biharmonic", dim=6)
    _, normal = problem.conditions
    points = np.asarray(drawn(normal.points, 200))
    radii = np.linalg.norm(points, axis=1)
    assert set(np.round(radii, 12)) == {1.0, 2.0}
    found, expected = at_each(lambda x: (normal.source(x), slope(problem.solution, x)), points[:5])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(get_problem("biharmonic", dim=6, domain="ball").conditions) == 1


@pytest.mark.parametrize("name", ["allen-cahn-two-body", "poisson-three-body", "biharmonic"])
def test_ansatz_is_affine_in_the_network(name):
    problem = get_problem(name, dim=4)
    keys = jax.random.split(jax.random.key(0))
    f, g = (eqx.nn.MLP(4, "scalar", 8, 1, jnp.tanh, key=k) for k in keys)
    x = drawn(problem.conditions[0].points, 1, seed=1)[0]
    networks = (lambda z: 0.5 * (f(z) + g(z)), f, g)
    middle, first, second = interpreted(lambda x: [problem.ansatz(network)(x) for network in networks])(x)
    np.testing.assert_allclose(middle, 0.5 * (first + second), rtol=1e-12)


# Standard errors over 4e4 points: 2.9e-3 (U[0, 1]: half as much from 0 to 1/2) for a mean radius,
# below 6e-3 for second moments of size up to 4/3.
@pytest.mark.parametrize(
    ("domain", "inner", "outer"), [(RadialBall(3), 0.0, 1.0), (Shell(3, 1.0, 2.0), 1.0, 2.0)]
)
def test_points_between_spheres_have_uniform_radius_and_isotropic_directions(domain, inner, outer):
    points = np.asarray(drawn(domain, 40_000))
    r = np.linalg.norm(points, axis=1)
    assert inner <= float(r.min()) and float(r.max()) <= outer
    squares = (inner**2 + inner * outer + outer**2) / 3
    assert abs(r.mean() - (inner + outer) / 2) < 6e-3 and abs((r**2).mean() - squares) < 0.02
    np.testing.assert_allclose(points.mean(0), 0.0, atol=0.02)
    np.testing.assert_allclose(points.T @ points / len(points), squares * np.eye(3) / 3, atol=0.02)


def test_points_on_spheres_are_equally_many_on_each():
    points = np.asarray(drawn(Spheres(3, (1.0, 2.0)), 40_000))
    r = np.linalg.norm(points, axis=1)
    outside = r > 1.5
    np.testing.assert_allclose(r, np.where(outside, 2.0, 1.0), rtol=1e-12)
    assert abs(outside.mean() - 0.5) < 0.01  # a standard error is 2.5e-3
    np.testing.assert_allclose(points.T @ points / len(points), 2.5 * np.eye(3) / 3, atol=0.03)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        *((f"{e}-two-body", {"dim": 1}, "`dim` needs an integer ≥ 2, got 1") for e in EQUATIONS),
        *((f"{e}-three-body", {"dim": 2}, "`dim` needs an integer ≥ 3, got 2") for e in EQUATIONS),
        ("allen-cahn-two-body", {"dim": 2.0}, "`dim` needs an integer ≥ 2, got 2.0"),
        ("allen-cahn-two-body", {"coefficient_seed": -1}, "`coefficient_seed` needs an integer ≥ 0"),
        ("biharmonic", {"dim": 2}, "`dim` needs an integer ≥ 3, got 2"),
        ("biharmonic", {"domain": "cube"}, "`domain` needs to be one of ball, shell, got 'cube'"),
    ],
)
def test_problems_refuse_what_they_cannot_be(name, fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(name, **fields)
