"""The networks: shapes, dtypes, derivatives, numbers of parameters, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stde_pdes.models import periodic


def test_periodic_features_are_the_harmonics():
    x, period = jnp.asarray(0.7), 3.0
    z = np.exp(2j * np.pi * 0.7 / 3.0 * np.arange(1, 4))
    np.testing.assert_allclose(periodic(x, period, 3), np.concatenate([z.real, z.imag]), rtol=1e-13)


def test_a_function_of_periodic_features_is_periodic_with_its_derivatives():
    weights = jnp.arange(6.0)

    def model(x):
        return jnp.sum(jnp.tanh(jnp.outer(periodic(x, 2.5, 3), weights)))

    for derivative in (model, jax.grad(model), jax.grad(jax.grad(model))):
        left, right = derivative(jnp.asarray(-0.4)), derivative(jnp.asarray(2.1))
        np.testing.assert_allclose(left, right, rtol=1e-10)


@pytest.mark.parametrize(
    ("period", "harmonics", "message"),
    [
        (0.0, 1, "`period` needs to be a positive number, got 0.0"),
        (float("inf"), 1, "`period` needs to be a positive number, got inf"),
        (1.0, 0, "`harmonics` needs an integer ≥ 1, got 0"),
    ],
)
def test_periodic_refuses(period, harmonics, message):
    with pytest.raises(ValueError, match=message):
        periodic(jnp.asarray(0.1), period, harmonics)
