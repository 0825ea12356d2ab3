import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stde_hutchpp import HutchPlusPlus

import stde_core as stde
from stde_core.testing import check_estimator

jax.config.update("jax_enable_x64", True)

DIM = 6
X = jnp.linspace(-0.8, 0.9, DIM)
EXACT = stde.get_estimator("exact")
MATRIX = jax.random.normal(jax.random.key(0), (DIM, 4))
NETWORK = eqx.nn.MLP(DIM, DIM, 8, 1, jnp.tanh, key=jax.random.key(1))


def ridges(x, weights=MATRIX[:, :2]):
    """A function of few directions, as many networks are: its Hessian has rank 2."""
    return jnp.sum(jnp.sin(2 * x @ weights))


OPERATORS = {
    "laplacian": stde.Laplacian(),
    "on-axes-and-time": stde.partial(-1) - 0.5 * stde.Laplacian(axes=slice(0, -1)),
    "diagonal": stde.WeightedLaplacian(jnp.arange(1.0, DIM + 1)),
    "matrix": stde.WeightedLaplacian(MATRIX) + 3,
    "function": stde.WeightedLaplacian(lambda x: 1 + x**2),
    "two-spaces": stde.Laplacian() + stde.WeightedLaplacian(MATRIX),
    "divergence": stde.Divergence(),
    "shared": {"Δ": stde.Laplacian(), "fΔ": (lambda x: x[0]) * stde.Laplacian(), "∇": stde.Gradient()},
}
GAUSSIAN = HutchPlusPlus(3, sketch=1, sampler=stde.Gaussian())

# Without the optimisations that make compilation the larger part of these tests' time.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def model_of(name):
    return NETWORK if name == "divergence" else lambda x: ridges(x) + NETWORK(x).sum()


def test_it_keeps_the_contract_of_estimators():
    check_estimator(HutchPlusPlus(2, sketch=1, frozen=False))


def draws(operators, model, estimator, count):
    def one(key):
        return stde.estimate(operators, model, X, estimator, key=key)

    return jit(jax.vmap(one))(jax.random.split(jax.random.key(2), count))


@pytest.mark.parametrize(
    ("name", "estimator"), [*((name, HutchPlusPlus(2)) for name in OPERATORS), ("laplacian", GAUSSIAN)]
)
def test_unbiased_with_the_right_standard_error(name, estimator):
    operators, model = OPERATORS[name], model_of(name)
    drawn = draws(operators, model, estimator, 2000)
    exact = stde.estimate(operators, model, X, EXACT).value

    def compare(values, exact, errors):
        spread = values.std(0, ddof=1)
        assert np.all(np.abs(values.mean(0) - exact) < 4 * spread / len(values) ** 0.5 + 1e-12)
        # A sketch that misses is rare and costly, so the bound is from the samples themselves.
        excess = errors**2 - (values - values.mean(0)) ** 2
        assert np.all(np.abs(excess.mean(0)) < 4 * excess.std(0) / len(values) ** 0.5 + 1e-12)

    jax.tree.map(compare, drawn.value, exact, drawn.standard_error)


def test_a_hessian_of_low_rank_is_caught_by_the_sketch():
    # Two Hessian-vector products against twelve of Hutchinson, whose variance is (2/n) Σ_{i≠j} H_ij².
    drawn = draws(stde.Laplacian(), ridges, HutchPlusPlus(num_samples=2, sketch=2), 100)
    exact = stde.estimate(stde.Laplacian(), ridges, X, EXACT).value
    np.testing.assert_allclose(drawn.value, exact, rtol=1e-10)
    plain = draws(stde.Laplacian(), ridges, stde.get_estimator("hutchinson", num_samples=12), 100)
    assert plain.value.std() > 0.05 * abs(exact)


def test_less_variance_than_hutchinson_for_the_same_products():
    weights = jax.random.normal(jax.random.key(3), (100, 100)) * jnp.exp(-jnp.arange(100.0) / 6) / 10

    def model(x):
        return ridges(x, weights)

    def spread(estimator):
        def one(key):
            return stde.estimate(
                stde.Laplacian(), model, jnp.ones(100) / 10, estimator, key=key, standard_error=False
            ).value

        return jit(jax.vmap(one))(jax.random.split(jax.random.key(4), 200)).std()

    ours = spread(HutchPlusPlus(num_samples=8))
    assert 4 * ours < spread(stde.get_estimator("hutchinson", num_samples=24))
    assert 4 * ours < spread(stde.get_estimator("stde", num_samples=24))


def test_gradients_are_unbiased():
    def value(network, estimator, key=None):
        return stde.estimate(stde.Divergence(), network, X, estimator, key=key).value

    @jit
    @jax.vmap
    def gradients(key):
        return eqx.filter_grad(value)(NETWORK, HutchPlusPlus(1), key)

    drawn = jax.tree.leaves(gradients(jax.random.split(jax.random.key(5), 1000)))
    exact = jax.tree.leaves(eqx.filter_grad(value)(NETWORK, EXACT))
    for values, expected in zip(drawn, exact, strict=True):
        error = values.std(0, ddof=1) / len(values) ** 0.5
        assert np.all(np.abs(values.mean(0) - expected) < 5 * error + 1e-12)


@pytest.mark.parametrize("operator", [stde.Biharmonic(), stde.PowerSum(3)])
def test_other_operators_are_refused(operator):
    with pytest.raises(ValueError, match="samples Laplacians and divergences, not terms of powers"):
        stde.estimate(operator, ridges, X, HutchPlusPlus(2), key=jax.random.key(0))


def test_a_key_is_needed_where_something_is_sampled():
    with pytest.raises(ValueError, match="needs a key"):
        stde.estimate(stde.Laplacian(), ridges, X, HutchPlusPlus(2))
    value = stde.estimate(stde.partial(0), ridges, X, HutchPlusPlus(2)).value
    np.testing.assert_allclose(value, jax.grad(ridges)(X)[0])


@pytest.mark.parametrize("fields", [{"num_samples": 0}, {"num_samples": 2, "sketch": 0}])
def test_bad_counts_are_refused(fields):
    with pytest.raises(ValueError, match="needs an integer ≥ 1, got 0"):
        stde.get_estimator("hutch++", **fields)
