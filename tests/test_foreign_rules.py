"""Functions and primitives of others that look like JAX's own, and what must not be lost of JAX's own."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import made_up
import numpy as np
import pytest
from helpers import assert_close, jit, mixed
from jax.interpreters import ad
from stde_estimators import STDE, Exact

import stde_core as stde

dx, dy = stde.partials(2)
X = jnp.array([0.1, -0.7])


def first_and_second(model, x=X):
    """The primal, u_x, u_y and Δu by Taylor mode, and by nested AD."""
    operators = {"x": dx, "y": dy, "Δ": stde.Laplacian()}
    out = stde.estimate(operators, model, x, Exact())
    laplacian = mixed(model, x, 0, 0) + mixed(model, x, 1, 1)
    expected = {"x": mixed(model, x, 0), "y": mixed(model, x, 1), "Δ": laplacian}
    return (out.primal, out.value), (model(x), expected)


# --- functions called relu


def with_rule(function, derivative):
    """A `custom_jvp` around a jitted function, as `jax.nn.relu` is, with a derivative of its own."""
    made = jax.custom_jvp(jax.jit(function))
    made.defjvp(lambda primals, tangents: (made(*primals), tangents[0] * derivative(*primals)))
    return made


def relu(x):
    return jnp.maximum(x, 0)


def shifted():
    def relu(x):
        return jnp.maximum(x, 1.0)

    return relu


FUNCTIONS_CALLED_RELU = {
    "with a surrogate derivative": with_rule(relu, lambda x: jax.nn.sigmoid(3 * x)),
    "above 1": with_rule(shifted(), lambda x: (x > 1.0).astype(x.dtype)),
    "above 1, with the derivative of relu": with_rule(shifted(), lambda x: (x > 0).astype(x.dtype)),
    "JAX's own": jax.nn.relu,
}


@pytest.mark.parametrize("function", FUNCTIONS_CALLED_RELU.values(), ids=FUNCTIONS_CALLED_RELU)
def test_a_relu_keeps_its_own_values_and_derivatives(function):
    found, expected = first_and_second(
        lambda x: jnp.sum(function(2 * x) ** 2) + jnp.sum(jnp.sin(function(-x)))
    )
    assert_close(found, expected)


def test_nan_stays_nan():
    for model in (lambda x: jnp.sum(jax.nn.relu(x)), eqx.nn.MLP(2, "scalar", 4, 1, key=jax.random.key(0))):
        found, expected = first_and_second(model, jnp.array([jnp.nan, 0.4]))
        assert np.isnan(found[0])
        assert_close(found, expected)


# --- primitives called like JAX's own


def test_a_primitive_called_square_is_not_the_square():
    cube = made_up.primitive("square", lambda z: z**3, derivative=lambda z: 3 * z**2)
    with pytest.warns(UserWarning, match="no rule for the primitive `square`"):
        found, expected = first_and_second(lambda x: jnp.sum(cube.bind(x)))
    assert_close(found, expected)
    assert_close(found[0], jnp.sum(X**3))
    assert stde.check_model(lambda x: jnp.sum(cube.bind(x)), 2).degree is None


# --- the fallback


def triple():
    """A linear primitive, whose derivative is itself."""
    made = made_up.primitive("triple", lambda z: 3 * z)
    ad.deflinear(made, lambda cotangent: [made.bind(cotangent)])
    return made


def test_a_linear_primitive_without_a_rule_is_its_own_derivative():
    made = triple()
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        found, expected = first_and_second(lambda x: jnp.sum(jnp.sin(made.bind(x)) * x[0]))
    assert_close(found, expected)


def test_a_derivative_without_end_is_named():
    endless = made_up.primitive("endless", jnp.multiply)
    ad.defjvp(endless, lambda t, a, b: endless.bind(t, b), lambda t, a, b: endless.bind(a, t))
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),
        pytest.raises(
            NotImplementedError, match="`endless`, which the model uses, is written with `endless` again"
        ),
    ):
        stde.estimate(stde.Laplacian(), lambda x: jnp.sum(endless.bind(x, jnp.sin(x))), X, Exact())


# --- one key, one draw


def test_one_key_gives_the_same_draw_with_and_without_jit():
    sigma = jax.random.normal(jax.random.key(0), (2, 6))
    operators = {"a": stde.WeightedLaplacian(sigma), "b": stde.WeightedLaplacian(2 * sigma)}
    noise = {"w": stde.WeightedLaplacian(sigma), "third": stde.PowerSum(3)}
    model = eqx.nn.MLP(2, "scalar", 4, 1, jnp.tanh, key=jax.random.key(1))

    def values(operators, estimator):
        return stde.estimate(operators, model, X, estimator, key=jax.random.key(2)).value

    for asked, estimator in (
        (operators, STDE(num_samples=2)),
        (noise, STDE(num_samples=1, sampler=stde.Rademacher())),
    ):
        eager = values(asked, estimator)
        assert_close(eqx.filter_jit(values)(asked, estimator), eager, rtol=1e-9)
    sparse = values(operators, STDE(num_samples=2))
    assert_close(sparse["b"], 4 * sparse["a"])


def test_equal_sigmas_of_numpy_share_a_draw():
    sigma = np.array([[1.0, 0.5, -0.3, 0.2], [0.1, 0.7, 0.4, -1.0]])
    operators = [stde.WeightedLaplacian(sigma), stde.WeightedLaplacian(sigma.copy())]
    model = eqx.nn.MLP(2, "scalar", 4, 1, jnp.tanh, key=jax.random.key(1))
    one, other = stde.estimate(operators, model, X, STDE(num_samples=1), key=jax.random.key(2)).value
    assert_close(one, other)


def test_large_products_take_traced_coefficients():
    divergence_of_laplacian = stde.Divergence() * stde.Laplacian()

    def value(a, b):
        operator = a * divergence_of_laplacian + b * divergence_of_laplacian
        return stde.estimate(operator, lambda x: x**3 * jnp.sum(x), jnp.ones(20), Exact()).value

    assert_close(jit(value)(2.0, -0.5), value(2.0, -0.5))


# --- jax.checkpoint


def deep(remat):
    """A network of many layers, each of which may be computed anew in the gradient."""

    def layer(x, w):
        return x + jnp.tanh(w @ jnp.tanh(w.T @ x)), None

    def model(weights, x):
        return jnp.sum(jax.lax.scan(jax.checkpoint(layer) if remat else layer, x, weights)[0] ** 2)

    return model


def gradient_of_laplacian(remat):
    def loss(weights, x):
        return stde.estimate(stde.Laplacian(), lambda x: deep(remat)(weights, x), x, Exact()).value

    return jax.grad(loss)


def test_checkpoints_in_a_model_save_memory_in_the_gradient_of_its_laplacian():
    weights, x = jax.random.normal(jax.random.key(0), (12, 32, 32)) / 10, jnp.linspace(-1, 1, 32)
    compiled = [jax.jit(gradient_of_laplacian(remat)).lower(weights, x).compile() for remat in (True, False)]
    with_checkpoints, without = compiled
    assert_close(with_checkpoints(weights, x), without(weights, x), rtol=1e-8)
    memory = [step.memory_analysis().temp_size_in_bytes for step in compiled]
    assert memory[0] < 0.6 * memory[1]
