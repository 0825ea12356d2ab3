import jax
import jax.numpy as jnp
import pytest
from stde_example_plugin import Averaged, OrnsteinUhlenbeck

import stde_core as stde

DIM = 12
X = jnp.linspace(-1.0, 1.0, DIM)


def quartic(x):
    return jnp.sum(jnp.arange(1.0, DIM + 1) * x**4)


def test_the_generator_of_a_quadratic():
    # L|x|² = σ²d − 2θ|x|²
    generator = stde.get_operator("ornstein-uhlenbeck", theta=0.5, sigma=2.0)
    out = stde.estimate(generator, lambda x: x @ x, X, stde.get_estimator("exact"))
    assert jnp.allclose(out.value, 4.0 * DIM - X @ X, rtol=1e-5)


def test_the_generator_with_a_matrix_and_gradients():
    sigma = jax.random.normal(jax.random.key(0), (DIM, 3))

    def value(theta):
        out = stde.estimate(OrnsteinUhlenbeck(theta, sigma), quartic, X, stde.get_estimator("exact"))
        return out.value

    hessian = jax.hessian(quartic)(X)
    theta = jnp.asarray(0.5)
    expected = 0.5 * jnp.trace(sigma @ sigma.T @ hessian) - theta * X @ jax.grad(quartic)(X)
    assert jnp.allclose(value(theta), expected, rtol=1e-4)
    assert jnp.allclose(jax.grad(value)(theta), -X @ jax.grad(quartic)(X), rtol=1e-4)


def test_the_average_is_unbiased_and_knows_its_error():
    one = stde.get_estimator("stde", num_samples=1)
    estimator = stde.get_estimator("averaged", estimator=one, repeats=400)
    generator = OrnsteinUhlenbeck()
    exact = stde.estimate(generator, quartic, X, stde.get_estimator("exact")).value
    out = stde.estimate(generator, quartic, X, estimator, key=jax.random.key(1))
    terms = 0.5 * DIM * jnp.diag(jax.hessian(quartic)(X))  # what one sample gives, up to the drift
    assert jnp.allclose(out.standard_error, terms.std() / 20, rtol=0.2)
    assert abs(out.value - exact) < 4 * out.standard_error


def test_the_average_of_exact_values_is_exact():
    estimator = Averaged(stde.get_estimator("exact"))
    out = stde.estimate({"u": stde.Laplacian()}, quartic, X, estimator)
    assert out.standard_error["u"] == 0.0


def test_one_repeat_is_refused():
    with pytest.raises(ValueError, match=r"Averaged\(repeats\)` needs an integer ≥ 2, got 1"):
        Averaged(stde.get_estimator("exact"), repeats=1)
