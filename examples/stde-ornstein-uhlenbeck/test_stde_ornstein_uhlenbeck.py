import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stde_ornstein_uhlenbeck import AlongTheProcess, ornstein_uhlenbeck

import stde_core as stde
import stde_pdes
from stde_pdes.testing import check_problem

jax.config.update("jax_enable_x64", True)

PROBLEM = ornstein_uhlenbeck(dim=3, horizon=0.5, noise_seed=1)
LAW = PROBLEM.test_points.law


def test_it_keeps_the_contract_of_problems():
    x = jax.random.normal(jax.random.key(0), (20, 3))
    check_problem(PROBLEM, fixed=jnp.concatenate([x, jnp.zeros((20, 1))], axis=1))


def test_the_density_fulfils_the_equation_as_it_is_known():
    # p_t = ∇·(x p) + ½ Σ D_ij ∂_i∂_j p, by nested AD
    covariance = LAW.sigma @ LAW.sigma.T
    point = jnp.array([0.4, -0.3, 0.8, 0.2])

    def density(x, t):
        return jnp.exp(PROBLEM.solution(jnp.append(x, t)))

    x, t = point[:-1], point[-1]
    flux = jnp.trace(jax.jacfwd(lambda x: x * density(x, t))(x))
    second = jnp.sum(covariance * jax.hessian(density)(x, t))
    np.testing.assert_allclose(jax.grad(density, 1)(x, t), flux + second / 2, rtol=1e-12)


def test_points_follow_the_process():
    points = np.asarray(AlongTheProcess(LAW, 0.5)(20_000, key=jax.random.key(1)))
    x, t = points[:, :-1], points[:, -1:]
    assert t.min() >= 0 and t.max() < 0.5
    decay = np.exp(-2 * t)
    whitened = (x @ LAW.axes) / np.sqrt(decay + (1 - decay) * LAW.eigenvalues / 2)
    # The entries of the covariance of n white vectors have standard errors √(2/n) and √(1/n).
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(3), atol=4 * (2 / 20_000) ** 0.5)


def test_an_euler_path_ends_in_the_same_law():
    key, steps = jax.random.key(2), 200
    sigma = jnp.asarray(LAW.sigma) * (0.5 / steps) ** 0.5

    def step(x, key):
        return (1 - 0.5 / steps) * x + jax.random.normal(key, x.shape) @ sigma.T, None

    x = jax.random.normal(key, (20_000, 3))
    x, _ = jax.jit(lambda x: jax.lax.scan(step, x, jax.random.split(key, steps)))(x)
    variances = np.var(np.asarray(x) @ LAW.axes, axis=0)
    np.testing.assert_allclose(variances, LAW.variances(0.5), rtol=4 * (2 / 20_000) ** 0.5 + 1 / steps)


def test_any_estimator_takes_it():
    problem = stde_pdes.get_problem("ornstein-uhlenbeck", dim=30)
    point = problem.conditions[0].points(1, key=jax.random.key(3))[0]
    operators = problem.conditions[0].operators
    exact = stde.estimate(operators, problem.solution, point, stde.get_estimator("exact")).value
    for name in ("stde", "hutchinson"):
        out = stde.estimate(
            operators,
            problem.solution,
            point,
            stde.get_estimator(name, num_samples=8),
            key=jax.random.key(4),
        )
        error = out.standard_error["q_t − Lq"]
        assert abs(out.value["q_t − Lq"] - exact["q_t − Lq"]) < 4 * error + 1e-9


@pytest.mark.parametrize("fields", [{"dim": 0}, {"horizon": 0.0}, {"noise_seed": -1}])
def test_bad_fields_are_refused(fields):
    (name,) = fields
    with pytest.raises(ValueError, match=f"`{name}` needs"):
        stde_pdes.get_problem("ornstein-uhlenbeck", **fields)
