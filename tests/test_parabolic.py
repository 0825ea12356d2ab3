"""Semilinear parabolic problems: references, ansätze, and points on the paths of diffusions."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn
from interpreter import interpreted

import stde_core as stde
from stde_pdes import Training, get_problem
from stde_pdes.diffusions import BrownianPaths, Diffusion
from stde_pdes.references import branching_solution, mean_at_maximum, radial_solution
from stde_pdes.training import check

PROBLEMS = ["semilinear-heat", "sine-gordon-parabolic", "allen-cahn-parabolic"]


def random_model(problem):
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(2))
    return problem.ansatz(network)


# At (0, 0), from a converged finite-volume solution of the radial equation, independent of ours.
@pytest.mark.parametrize(
    ("name", "dim", "value"),
    [
        ("semilinear-heat", 100, 0.31662781),
        ("sine-gordon-parabolic", 100, 0.05280944),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("semilinear-heat", 10, 0.46954987),
                ("semilinear-heat", 1000, 0.28746839),
                ("sine-gordon-parabolic", 10, 0.3229264),
                ("sine-gordon-parabolic", 1000, 0.005588916),
                ("semilinear-heat", 10_000, 0.28430714),
                ("sine-gordon-parabolic", 10_000, 0.0005620856),
            )
        ),
    ],
)
def test_radial_reference_at_the_origin(name, dim, value):
    (got,) = get_problem(name, dim=dim).truth(jnp.zeros((1, dim + 1)))
    assert got == pytest.approx(value, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [10, 100])
@pytest.mark.parametrize("reaction", [jnp.sin, lambda u: (1 - u**2) / (1 + u**2)])
def test_radial_reference_is_converged_everywhere(reaction, dim):
    rng = np.random.default_rng(0)
    times, squared = rng.uniform(0, 0.3, 50), rng.uniform(0, dim, 50)
    arguments = {"dim": dim, "horizon": 0.3, "times": times, "squared_radii": squared}

    def solution(num_nodes):
        return radial_solution(reaction, lambda s: 5 / (10 + 2 * s), num_nodes=num_nodes, **arguments)

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


@pytest.mark.parametrize(("dim", "spread"), [(1, 0.7), (10, 0.77), (100, 0.3), (1000, 0.77)])
def test_mean_at_the_maximum_agrees_with_monte_carlo(dim, spread):
    rng = np.random.default_rng(0)
    means = 0.5 * rng.normal(size=dim)
    sample = np.arctan((means + spread * rng.normal(size=(200_000 // dim + 5000, dim))).max(1))
    got = mean_at_maximum(jnp.arctan, jnp.asarray(means), jnp.asarray(spread))
    assert abs(got - sample.mean()) < 4 * sample.std() / len(sample) ** 0.5


def test_mean_at_the_maximum_is_converged():
    for dim, (nodes, tolerance) in [(1, (32, 1e-5)), (100, (32, 1e-5)), (10_000, (64, 1e-6))]:
        fine, coarse = (
            mean_at_maximum(jnp.arctan, jnp.zeros(dim), jnp.asarray(0.6**0.5), num_nodes=n)
            for n in (200, nodes)
        )
        assert abs(fine - coarse) < tolerance


def terminal(x):
    return np.arctan(x.max(1).astype(float))


def grid_solution(half, num_nodes, dim, horizon):
    """u at time to go `horizon` on a grid of [−half, half]^dim by second differences, and the grid."""
    x = jnp.linspace(-half, half, num_nodes)
    step = x[1] - x[0]

    def laplacian(u):
        padded = jnp.pad(u, 1, mode="edge")
        inner = (slice(1, -1),) * dim
        neighbours = sum(jnp.roll(padded, shift, axis) for axis in range(dim) for shift in (1, -1))
        return (neighbours - 2 * dim * padded)[inner] / step**2

    start = jnp.arctan(x) if dim == 1 else jnp.arctan(jnp.maximum(x[:, None], x))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, u, args: laplacian(u) + u - u**3),
        diffrax.Tsit5(),
        t0=0.0,
        t1=horizon,
        dt0=1e-4,
        y0=start,
        stepsize_controller=diffrax.PIDController(rtol=1e-7, atol=1e-8),
        max_steps=None,
    )
    return np.asarray(x), np.asarray(solution.ys[0])


@pytest.mark.parametrize("dim", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_allen_cahn_reference_agrees_with_a_grid(dim):
    half, num_nodes, horizon = 5.0, 101, 0.3
    coarse, fine = (grid_solution(half, n, dim, horizon) for n in (num_nodes, 2 * num_nodes - 1))
    # Extrapolated from two second-order solutions; what is left is less than the statistical error.
    inside = slice(40, 65, 6)
    grid = coarse[0][inside]
    every_other = fine[1][(slice(None, None, 2),) * dim]
    expected = ((4 * every_other - coarse[1]) / 3)[(inside,) * dim].ravel()
    positions = np.stack(np.meshgrid(*[grid] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    means = [mean_at_maximum(jnp.arctan, jnp.asarray(x), jnp.asarray(0.6**0.5)) for x in positions]
    got = branching_solution(
        terminal,
        np.array(means),
        positions=positions,
        to_go=np.full(len(positions), horizon),
        budget=2e6 * dim**3,
    )
    assert (got.standard_errors < 6e-3).all() and (got.standard_errors > 0).all()
    assert (np.abs(got.values - expected) < 4 * got.standard_errors + 2e-4).all()


# Published values by multilevel Picard iteration are only good to about 1e-3.
@pytest.mark.parametrize(
    ("dim", "value", "published"),
    [(10, 0.890527, 0.89060), (100, 1.0442458, 1.04510), (1000, 1.0911639, 1.09100)],
)
def test_allen_cahn_reference_at_the_origin(dim, value, published):
    problem = get_problem("allen-cahn-parabolic", dim=dim)
    mean = float(problem.ansatz.flow(jnp.zeros(dim + 1), 64))
    got = branching_solution(
        terminal,
        np.array([mean]),
        positions=np.zeros((1, dim)),
        to_go=np.array([0.3]),
        budget=1e7,
        seed=1,
    )
    assert abs(got.values[0] - value) < 4 * got.standard_errors[0] + 2e-5
    assert got.values[0] == pytest.approx(published, rel=1.2e-3)


def test_allen_cahn_reference_at_the_terminal_time_is_the_terminal_condition():
    problem = get_problem("allen-cahn-parabolic", dim=3)
    points = np.array(drawn(problem.conditions[0].points, 4))
    points[:, -1] = 0.3
    expected = np.arctan(points[:, :-1].max(1))
    np.testing.assert_allclose(problem.truth(jnp.asarray(points)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", PROBLEMS)
def test_ansatz_has_the_terminal_value(name):
    problem = get_problem(name, dim=3)
    x = np.random.default_rng(0).normal(size=(20, 3))
    points = np.concatenate([x, np.full((20, 1), 0.3)], axis=1)
    expected = np.arctan(x.max(1)) if "allen" in name else 5 / (10 + 2 * (x**2).sum(1))
    np.testing.assert_allclose(at_each(random_model(problem), points), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_ansatz_is_affine_in_the_network(name):
    problem = get_problem(name, dim=3)
    keys = jax.random.split(jax.random.key(0))
    f, g = (eqx.nn.MLP(problem.num_features, "scalar", 8, 1, jnp.tanh, key=k) for k in keys)
    x = drawn(problem.conditions[0].points, 1, seed=1)[0]
    networks = (lambda z: 0.5 * (f(z) + g(z)), f, g)
    middle, first, second = interpreted(lambda x: [problem.ansatz(network)(x) for network in networks])(x)
    np.testing.assert_allclose(middle, 0.5 * (first + second), rtol=1e-12)


def test_allen_cahn_model_leaves_out_only_what_cancels():
    problem = get_problem("allen-cahn-parabolic", dim=4)
    network = eqx.nn.MLP(problem.num_features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(2))
    model = problem.ansatz(network)

    def whole(point):  # the same model, with all derivatives of the heat flow
        x, t = point[:-1], point[-1:]
        flow = problem.ansatz.flow(point, 64)
        level = (flow[None] - problem.ansatz.centre) / problem.ansatz.deviation
        features = jnp.concatenate([x / problem.dim**0.5, t / 0.3, level])
        return flow + (0.3 - t[0]) * network(features)

    operator, exact = problem.conditions[0].operators, stde.get_estimator("exact")

    @interpreted
    def both(point):
        ours = stde.estimate(operator, model, point, exact)
        gradient, hessian = jax.grad(whole)(point), jax.hessian(whole)(point)
        drift = jnp.trace(hessian[:-1, :-1]) + gradient[-1]
        slope = jax.grad(model)(point)[:-1]
        return (ours.primal, ours.value, slope), (whole(point), drift, gradient[:-1])

    for point in drawn(problem.conditions[0].points, 5):
        for ours, expected in zip(*both(point), strict=True):
            np.testing.assert_allclose(ours, expected, atol=2e-5)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 0}, "`dim` needs an integer ≥ 1, got 0"),
        ({"horizon": -0.1}, "`horizon` needs to be a positive number, got -0.1"),
    ],
)
def test_parabolic_problems_refuse_what_they_cannot_be(name, fields, message, unchecked):
    with pytest.raises(ValueError, match=message):
        get_problem(name, **fields)


@pytest.mark.parametrize(("dim", "horizon"), [(1, 0.5), (2, 0.5), (10, 1.5), (100, 2.0)])
def test_allen_cahn_refuses_horizons_at_which_its_reference_has_no_variance(dim, horizon):
    with pytest.raises(ValueError, match=f"`horizon` {horizon:g} is too long in {dim} dimension"):
        get_problem("allen-cahn-parabolic", dim=dim, horizon=horizon)


def test_points_on_brownian_paths_have_variance_twice_the_time():
    points = np.asarray(drawn(BrownianPaths(2, 0.3), 40_000))
    x, t = points[:, :2], points[:, 2]
    assert float(t.min()) >= 0 and float(t.max()) <= 0.3
    # x²/(2t) is chi-squared with mean 1 and standard error √(2/4e4) = 7e-3.
    np.testing.assert_allclose((x**2 / (2 * t[:, None])).mean(0), 1.0, atol=0.03)
    z = x / np.sqrt(2 * t[:, None])  # uncorrelated standard normal variables, of standard error 5e-3
    np.testing.assert_allclose([*z.mean(0), (z[:, 0] * z[:, 1]).mean()], 0.0, atol=0.02)
    # Moments of the uniform law of t/T: 1/2 and 1/3, with standard errors 1.5e-3.
    np.testing.assert_allclose([(t / 0.3).mean(), ((t / 0.3) ** 2).mean()], [1 / 2, 1 / 3], atol=6e-3)


@pytest.mark.slow
def test_diffusion_with_constant_coefficients_has_its_moments():
    start, drift, matrix = (
        jnp.array([1.0, 2.0]),
        jnp.array([1.0, -1.0]),
        jnp.array([[1.0, 2.0, 0], [0, 1, 1]]),
    )
    points = Diffusion(start, lambda t, x: drift, lambda t, x: matrix, 0.5)(20_000, key=jax.random.key(0))
    t = points[:, 2:]
    assert float(t.min()) >= 0 and float(t.max()) <= 0.5
    z = (points[:, :2] - start - drift * t) / jnp.sqrt(t)  # normal with covariance σσᵀ
    covariance = matrix @ matrix.T
    variances = jnp.diag(covariance)
    assert (jnp.abs(z.mean(0)) < 4 * jnp.sqrt(variances / 20_000)).all()
    spread = jnp.sqrt((variances[:, None] * variances + covariance**2) / 20_000)
    assert (jnp.abs(z.T @ z / 20_000 - covariance) < 4 * spread).all()


def test_diffusion_of_geometric_brownian_motion_has_its_mean_and_second_moment():
    start, rate, sigma, steps = jnp.array([1.0, 2.0]), 0.3, 0.5, 32
    domain = Diffusion(start, lambda t, x: rate * x, lambda t, x: sigma * x, 1.0, steps)
    points = domain(20_000, key=jax.random.key(0))
    x, t = points[:, :2], points[:, 2:]
    for power, growth in ((1, rate), (2, 2 * rate + sigma**2)):
        ratio = (x / start) ** power / jnp.exp(growth * t)
        # Euler-Maruyama multiplies the moment by (1 + growth h + …) in place of exp(growth h), every step.
        weak = growth**2 / steps
        assert (jnp.abs(ratio.mean(0) - 1) < 4 * ratio.std(0) / 20_000**0.5 + weak).all()


def test_diffusion_refuses_a_negative_horizon(unchecked):
    with pytest.raises(ValueError, match="`horizon` needs to be a positive number"):
        Diffusion(jnp.zeros(2), lambda t, x: x, lambda t, x: x, -1.0)


def test_allen_cahn_refuses_gradient_enhancement_without_the_whole_flow():
    problem = get_problem("allen-cahn-parabolic", dim=2)
    with pytest.raises(ValueError, match="`gpinn_weight` needs derivatives of the residual"):
        check(problem, Training(gpinn_weight=0.1))
    check(get_problem("allen-cahn-parabolic", dim=2, whole_flow=True), Training(gpinn_weight=0.1))
    check(get_problem("semilinear-heat", dim=2), Training(gpinn_weight=0.1))
