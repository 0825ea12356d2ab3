"""The problems: exact solutions, right-hand sides, references, ansätze and collocation points."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stde_pdes import get_problem
from stde_pdes.domains import BoxFaces, BrownianPaths
from stde_pdes.references import radial_solution

SMALL = {
    "semilinear-heat": {"dim": 3},
}


# At (0, 0), from a converged finite-volume solution of the radial equation, independent of ours.
@pytest.mark.parametrize(("dim", "value"), [(10, 0.46954987), (100, 0.31662781), (1000, 0.28746839)])
def test_radial_reference_at_the_origin(dim, value):
    problem = get_problem("semilinear-heat", dim=dim)
    (got,) = problem.reference(jnp.zeros((1, dim + 1)))
    assert got == pytest.approx(value, rel=1e-6)


@pytest.mark.slow
def test_radial_reference_is_converged_everywhere():
    rng = np.random.default_rng(0)
    times, squared = rng.uniform(0, 0.3, 50), rng.uniform(0, 100, 50)
    arguments = {"dim": 100, "horizon": 0.3, "times": times, "squared_radii": squared}

    def solution(num_nodes):
        return radial_solution(jnp.sin, lambda s: 5 / (10 + 2 * s), num_nodes=num_nodes, **arguments)

    np.testing.assert_allclose(solution(96), solution(160), rtol=1e-8)


def test_radial_reference_without_reaction_is_the_heat_equation():
    # With g = 1/(1+s) and no reaction, u = E g(|x + √(2τ) Z|²); in one dimension a quadrature.
    x, tau = 0.7, 0.2
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    expected = weights @ (1 / (1 + (x + (2 * tau) ** 0.5 * nodes) ** 2)) / weights.sum()
    got = radial_solution(
        jnp.zeros_like,
        lambda s: 1 / (1 + s),
        dim=1,
        horizon=0.3,
        times=np.array([0.3 - tau]),
        squared_radii=np.array([x**2]),
        width=1.0,
    )
    np.testing.assert_allclose(got, [expected], rtol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_ansatz_is_affine_in_the_network(name):
    problem = get_problem(name, **SMALL[name])
    keys = jax.random.split(jax.random.key(0))
    f, g = (eqx.nn.MLP(problem.num_features, "scalar", 8, 1, jnp.tanh, key=k) for k in keys)
    x = problem.conditions[0].points(1, key=jax.random.key(1))[0]
    middle = problem.ansatz(lambda z: 0.5 * (f(z) + g(z)))(x)
    np.testing.assert_allclose(middle, 0.5 * (problem.ansatz(f)(x) + problem.ansatz(g)(x)), rtol=1e-12)


def random_model(problem):
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(2))
    return problem.ansatz(network)


def test_heat_ansatz_has_the_terminal_value():
    problem = get_problem("semilinear-heat", dim=3)
    x = jax.random.normal(jax.random.key(0), (20, 3))
    points = jnp.concatenate([x, jnp.full((20, 1), problem.horizon)], axis=1)
    np.testing.assert_allclose(jax.vmap(random_model(problem))(points), 5 / (10 + 2 * (x**2).sum(1)))


def test_points_on_brownian_paths_have_variance_twice_the_time():
    points = BrownianPaths(2, 0.3)(40_000, key=jax.random.key(0))
    x, t = points[:, :2], points[:, 2]
    assert float(t.min()) >= 0 and float(t.max()) <= 0.3
    # x²/(2t) is chi-squared with mean 1 and standard error √(2/4e4) = 7e-3.
    np.testing.assert_allclose((x**2 / (2 * t[:, None])).mean(0), 1.0, atol=0.03)


def test_points_on_faces_lie_on_faces():
    bounds = ((-1.0, 2.0), (0.0, 3.0), (5.0, 6.0))
    points = np.asarray(BoxFaces(bounds, (0, 1))(1000, key=jax.random.key(0)))
    on_face = np.stack([(points[:, i, None] == np.array(bounds[i])) for i in (0, 1)]).any(axis=(0, 2))
    assert on_face.all()
    for i, (low, high) in enumerate(bounds):
        assert (points[:, i] >= low).all() and (points[:, i] <= high).all()


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("semilinear-heat", {"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ("semilinear-heat", {"horizon": -0.1}, "`horizon` needs to be a positive number, got -0.1"),
    ],
)
def test_problems_refuse_what_they_cannot_be(name, fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(name, **fields)
