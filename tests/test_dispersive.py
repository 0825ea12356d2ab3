"""Dispersive equations: exact and spectral solutions, data built into the ansatz, refusals."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn
from interpreter import interpreted

from stde_pdes import get_problem
from stde_pdes.domains import Box
from stde_pdes.problems.periodic import BurgersType
from stde_pdes.references import spectral_solution
from stde_pdes.testing import worst_residual

EXACT = {
    "kdv": ("kdv", {}),
    "kdv two-soliton": ("kdv", {"solution": "two-soliton"}),
    "g-kdv": ("g-kdv", {}),
    "g-kdv alpha": ("g-kdv", {"alpha": 0.01}),
    "kdv-2d": ("kdv-2d", {}),
    "kp-2": ("kp", {}),
    "kp-1": ("kp", {"sigma_squared": -1}),
    "kp-2 two-line": ("kp", {"solution": "two-line"}),
    "kp-1 two-line": ("kp", {"solution": "two-line", "sigma_squared": -1}),
    "kp-1 lump": ("kp", {"solution": "lump", "sigma_squared": -1}),
}
PERIODIC = {
    "kdv cosine": ("kdv", {"solution": "cosine"}),
    "g-kdv cosine": ("g-kdv", {"solution": "cosine"}),
    "kuramoto-sivashinsky": ("kuramoto-sivashinsky", {}),
}
SLOW = ("g-kdv alpha", "kp-1", "kp-2 two-line")
exact = pytest.mark.parametrize(
    ("name", "fields"),
    [pytest.param(*EXACT[i], id=i, marks=[pytest.mark.slow] if i in SLOW else []) for i in EXACT],
)
periodic = pytest.mark.parametrize(("name", "fields"), PERIODIC.values(), ids=PERIODIC)


def random_model(problem, seed=2):
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(seed))
    return problem.ansatz(network)


def points_of(problem, count=20):
    return drawn(problem.test_points, count)


@exact
def test_exact_solutions_fulfil_their_equations(name, fields):
    assert worst_residual(get_problem(name, **fields)) < 1e-12


def on_both(functions, faces):
    return map(np.asarray, interpreted(lambda x: [jax.vmap(jax.vmap(f))(x) for f in functions])(faces))


@pytest.mark.parametrize("name", ["kdv-2d", pytest.param("kp", marks=pytest.mark.slow)])
def test_data_on_the_faces_are_built_into_the_ansatz(name):
    problem = get_problem(name)
    points, unit = np.array(points_of(problem)), np.eye(problem.num_inputs)
    bounds, orders = problem.test_points.bounds, problem.ansatz.lifting.orders

    def moved(axis, to):
        return np.where(np.arange(problem.num_inputs) == axis % problem.num_inputs, to, points)

    def gap(x):
        return random_model(problem)(x) - problem.solution(x)

    np.testing.assert_allclose(at_each(gap, moved(-1, bounds[-1][0])), 0, atol=1e-12)
    for axis, (below, above) in enumerate(orders[:-1]):
        derivatives = [gap]
        for _ in range(max(below, above) - 1):
            derivatives.append(lambda x, f=derivatives[-1], axis=axis: jax.jvp(f, (x,), (unit[axis],))[1])
        faces = np.stack([moved(axis, end) for end in bounds[axis]])
        for i, values in enumerate(on_both(derivatives, faces)):
            given = values[np.array([below, above]) > i]
            np.testing.assert_allclose(given, 0, atol=1e-11)


def test_ansatz_does_not_know_the_solution_inside():
    """Another solution with the same data on the faces gives the same ansatz."""
    problem = get_problem("kp")
    bounds = problem.test_points.bounds

    def other(x):
        return problem.solution(x) + bubble(bounds, x)

    inside = eqx.tree_at(lambda p: p.ansatz.lifting.data, problem, other)
    points = points_of(problem)
    values = [at_each(random_model(p), points) for p in (problem, inside)]
    np.testing.assert_allclose(*values, rtol=1e-10, atol=1e-12)
    assert np.max(at_each(lambda x: jnp.abs(other(x) - problem.solution(x)), points)) > 1


def bubble(bounds, point):
    low, high = jnp.asarray(bounds).T
    return (point - low)[-1] * jnp.prod((point - low)[:-1] ** 3 * (high - point)[:-1] ** 3)


def test_two_solitons_are_one_where_the_other_is_far():
    # Soliton 1 (k = 1) is alone at its place long before the collision, and shifted by log A / 2k after it.
    solution = get_problem("kdv", solution="two-soliton").solution
    shift = -4.0
    for t, delay in ((-20.0, 0.0), (20.0, -math.log(solution.interaction) / 2)):
        for offset in (-1.0, 0.0, 0.7):
            x = 4 * t + shift + delay + offset
            assert float(solution(jnp.array([x, t]))) == pytest.approx(2 / math.cosh(offset) ** 2, rel=1e-9)


def test_two_oblique_line_solitons_are_one_where_the_other_is_far():
    solution = get_problem("kp", solution="two-line").solution
    (k, kp, w), other = solution.waves
    # Along the second line's far left side, e₂ = 0 and the first soliton is alone: k²/2 sech²(phase / 2).
    for phase in (-1.0, 0.0, 2.0):
        x, y = np.linalg.solve([[k, kp], other[:2]], [phase - w * 0.2, -60.0])
        expected = k**2 / 2 / math.cosh(phase / 2) ** 2
        assert float(solution(jnp.array([x, y, 0.2]))) == pytest.approx(expected, rel=1e-9)


def ring_of(problem):
    """The equation, its initial value and its ring."""
    return problem.reference.__self__


@periodic
def test_periodic_ansatz_has_the_initial_value_and_the_period(name, fields):
    problem = get_problem(name, **fields)
    ring, points = ring_of(problem), np.asarray(points_of(problem))
    model = interpreted(jax.vmap(jax.value_and_grad(random_model(problem))))
    start = points * [1, 0]
    initial = interpreted(ring.initial)(points[:, 0])
    np.testing.assert_allclose(model(start)[0], initial, rtol=1e-12, atol=1e-14)
    for here, shifted in zip(model(points), model(np.add(points, [ring.length, 0])), strict=True):
        np.testing.assert_allclose(here, shifted, atol=1e-10)


def reference(ring, points, **accuracy):
    positions, times = np.asarray(points).T
    return spectral_solution(
        ring.equation.symbol,
        ring.equation.advection,
        ring.initial,
        length=ring.length,
        horizon=ring.horizon,
        positions=positions,
        times=times,
        **accuracy,
    )


@pytest.mark.slow
@periodic
def test_spectral_reference_is_converged_in_space_and_time(name, fields):
    problem = get_problem(name, **fields)
    points = points_of(problem, 200)
    points = points.at[:20, 1].set(0.0)
    values = problem.truth(points)
    coarser = reference(ring_of(problem), points, num_modes=72, num_steps=2000)
    np.testing.assert_allclose(values, coarser, atol=1e-6)
    np.testing.assert_allclose(values[:20], ring_of(problem).initial(points[:20, 0]), atol=1e-12)


@pytest.mark.slow
def test_spectral_reference_is_refined_where_it_needs_to_be():
    problem = get_problem("g-kdv", solution="cosine", alpha=2e-4)
    points = points_of(problem, 200)
    finer = reference(ring_of(problem), points, num_modes=150, num_steps=5000)
    np.testing.assert_allclose(problem.truth(points), finer, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "fields"),
    [("g-kdv", {"solution": "cosine", "alpha": 1e-5}), ("kuramoto-sivashinsky", {"horizon": 400.0})],
)
@pytest.mark.slow
def test_a_spectral_reference_that_does_not_converge_is_refused(name, fields):
    problem = get_problem(name, **fields)
    with pytest.raises(ValueError, match=r"does not converge.* take a shorter horizon, or more dispersion"):
        problem.truth(points_of(problem, 200))


def test_spectral_reference_of_kdv_is_the_soliton_where_the_ring_is_long():
    # Tails of exp(−2·15) at the seam.
    soliton = get_problem("kdv").solution
    points = drawn(Box(((-10.0, 10.0), (0.0, 1.0))), 100)
    values = spectral_solution(
        BurgersType(6.0, ((3, 1.0),)).symbol,
        6.0,
        lambda x: jax.vmap(soliton)(jnp.stack([jnp.where(x > 20, x - 40, x), 0 * x], axis=1)),
        length=40.0,
        horizon=1.0,
        positions=np.asarray(points[:, 0]),
        times=np.asarray(points[:, 1]),
        num_modes=128,
    )
    np.testing.assert_allclose(values, at_each(soliton, points), atol=1e-8)


def test_small_waves_of_kuramoto_sivashinsky_grow_as_linear_theory_says():
    problem = get_problem("kuramoto-sivashinsky")
    k, size = 3 / 4, 1e-7  # the third harmonic of the ring
    small = dataclasses.replace(ring_of(problem), initial=lambda x: size * jnp.cos(k * x))
    points = points_of(problem)
    expected = size * np.exp((k**2 - k**4) * points[:, 1]) * np.cos(k * points[:, 0])
    np.testing.assert_allclose(reference(small, points), expected, rtol=1e-5, atol=1e-13)


@pytest.mark.parametrize("name", ["kdv", "kp", "kuramoto-sivashinsky"])
def test_ansatz_is_affine_in_the_network(name):
    problem = get_problem(name)
    keys = jax.random.split(jax.random.key(0))
    f, g = (eqx.nn.MLP(problem.num_features, "scalar", 8, 1, jnp.tanh, key=k) for k in keys)
    networks = (lambda z: 0.5 * (f(z) + g(z)), f, g)
    x = points_of(problem, 1)[0]
    middle, left, right = interpreted(lambda x: [problem.ansatz(network)(x) for network in networks])(x)
    np.testing.assert_allclose(middle, 0.5 * (left + right), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        (
            "kdv",
            {"solution": "three"},
            "`solution` needs to be one of soliton, two-soliton, cosine, got 'three'",
        ),
        ("g-kdv", {"solution": "lump"}, "`solution` needs to be one of soliton, cosine, got 'lump'"),
        ("g-kdv", {"alpha": 0.0}, "`alpha` needs to be a positive number, got 0.0"),
        ("kp", {"sigma_squared": 2}, "`sigma_squared` needs to be one of 1, -1, got 2"),
        ("kp", {"solution": "cosine"}, "`solution` needs to be one of line, two-line, lump, got 'cosine'"),
        (
            "kp",
            {"solution": "lump"},
            "`solution` lump needs `sigma_squared` -1 .KP-I.; with 1 there is no lump",
        ),
        ("kuramoto-sivashinsky", {"horizon": -1.0}, "`horizon` needs to be a positive number, got -1.0"),
    ],
)
def test_dispersive_problems_refuse_what_they_cannot_be(name, fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(name, **fields)
