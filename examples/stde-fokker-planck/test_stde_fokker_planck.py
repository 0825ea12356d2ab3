import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stde_fokker_planck import DiffusionGenerator, FokkerPlanck

import stde_core as stde
from stde_core.testing import check_operator

jax.config.update("jax_enable_x64", True)

DIM = 4
X = jnp.array([0.3, -0.4, 0.2, 0.5])
EXACT = stde.get_estimator("exact")
MATRIX = jax.random.normal(jax.random.key(0), (DIM, DIM))


def drift(x):
    return MATRIX @ jnp.sin(x) - x**3


def density(x):
    return jnp.exp(-(x @ x) / 2 - jnp.sum(x[:-1] * x[1:]) / 3)


SIGMAS = {
    "scalar": 0.7,
    "diagonal": jnp.array([0.5, 1.0, 2.0, 1.5]),
    "matrix": MATRIX[:, :3],
    "scalar-function": lambda x: 1 + x @ x,
    "diagonal-function": lambda x: 1 + x**2,
    "matrix-function": lambda x: MATRIX[:, :3] * jnp.cos(x)[:, None] + jnp.outer(x, x[:3]),
}


def covariance(sigma, x):
    value = jnp.asarray(sigma(x) if callable(sigma) else sigma)
    return value @ value.T if value.ndim == 2 else jnp.diag(jnp.broadcast_to(value**2, x.shape))


def forward(sigma, x):
    """`−∇·(b p) + ½ Σ ∂_i∂_j(a_ij p)` as it is written, by nested AD."""
    flux = jax.jacfwd(lambda x: drift(x) * density(x))(x)
    second = jax.hessian(lambda x: covariance(sigma, x) * density(x))(x)
    return -jnp.trace(flux) + 0.5 * jnp.einsum("ijij->", second)


def backward(sigma, x):
    hessian = jax.hessian(density)(x)
    return drift(x) @ jax.grad(density)(x) + 0.5 * jnp.sum(covariance(sigma, x) * hessian)


@pytest.mark.parametrize("name", SIGMAS)
@pytest.mark.parametrize(("kind", "expected"), [(FokkerPlanck, forward), (DiffusionGenerator, backward)])
def test_operators_against_nested_differentiation(kind, expected, name):
    sigma = SIGMAS[name]
    value = jax.jit(lambda x: stde.estimate(kind(drift, sigma), density, x, EXACT).value)(X)
    np.testing.assert_allclose(value, jax.jit(lambda x: expected(sigma, x))(X), rtol=1e-10)


@pytest.mark.parametrize(
    "operator",
    [
        FokkerPlanck(MATRIX[0], 0.7),
        FokkerPlanck(jnp.sin, lambda x: 1 + x**2),
        DiffusionGenerator(jnp.sin, MATRIX[:, :3]),
    ],
    ids=["constant", "functions", "generator"],
)
def test_they_keep_the_contract_of_operators(operator):
    check_operator(operator, DIM)


def test_a_random_estimate():
    operator = stde.get_operator("fokker-planck", drift=drift, sigma=SIGMAS["diagonal-function"])
    estimator = stde.get_estimator("stde", num_samples=200, sampler=stde.Sparse(replace=True))
    out = stde.estimate(operator, density, X, estimator, key=jax.random.key(1))
    assert abs(out.value - forward(SIGMAS["diagonal-function"], X)) < 4 * out.standard_error


def test_a_gibbs_density_does_not_change():
    def potential(x):
        return jnp.sum(x**4) / 4 + jnp.prod(x)

    operator = FokkerPlanck(lambda x: -jax.grad(potential)(x), 2**0.5)
    value = stde.estimate(operator, lambda x: jnp.exp(-potential(x)), X, EXACT).value
    assert abs(value) < 1e-13


def test_forward_and_backward_are_adjoint():
    line = jnp.linspace(-6, 6, 61)  # where p vanishes at the ends the trapezoidal rule is exact
    grid = jnp.stack(jnp.meshgrid(line, line), -1).reshape(-1, 2)
    fields = {"drift": lambda x: jnp.sin(x[::-1]), "sigma": lambda x: 1 + 0.3 * jnp.cos(x)}

    def f(x):
        return jnp.sin(1 + x[0] + 2 * x[1])

    def p(x):
        return jnp.exp(-(x @ x))

    def both(x):
        forward = stde.estimate(FokkerPlanck(**fields), p, x, EXACT).value
        return forward * f(x), p(x) * stde.estimate(DiffusionGenerator(**fields), f, x, EXACT).value

    left, right = jax.jit(jax.vmap(both))(grid)
    np.testing.assert_allclose(left.sum(), right.sum(), rtol=1e-9)


def test_a_drift_is_trained():
    field = eqx.nn.MLP(DIM, DIM, 8, 1, jnp.tanh, key=jax.random.key(2))

    def value(field):
        return stde.estimate(FokkerPlanck(field), density, X, EXACT).value

    def expected(field):
        flux = jnp.trace(jax.jacfwd(lambda x: field(x) * density(x))(X))
        return 0.5 * jnp.trace(jax.hessian(density)(X)) - flux

    gradients = jax.tree.leaves(eqx.filter_grad(value)(field))
    for got, wanted in zip(gradients, jax.tree.leaves(eqx.filter_grad(expected)(field)), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize("kind", [FokkerPlanck, DiffusionGenerator])
def test_a_drift_of_another_dimension_is_refused(kind):
    with pytest.raises(ValueError, match=r"needs v of shape \(4,\), got \(3,\)"):
        stde.estimate(kind(jnp.ones(3)), density, X, EXACT)
