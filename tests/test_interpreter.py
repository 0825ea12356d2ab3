"""The interpreter of the tests against `jax.jit`: what stands in for the compiler means the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_zoo import ZOO
from helpers import assert_close, jit
from interpreter import interpreted
from jax import lax

X = jnp.array([0.3, -0.4, 0.2, 0.5])
MODELS = {
    "loops": ["LSTM by scan", "scan with history", "while until large", "mapped in batches"],
    "branches and calls": ["switch", "cond", "jit and remat", "custom_jvp"],
    "products and images": ["conv net 2d", "attention block", "batched products", "three operands", "solve"],
    "places": ["index by x", "dynamic slices", "interior padding", "shapes", "scatter", "sort by key", "at"],
    "numbers": [
        "complex outside",
        "complex inside",
        "rounding",
        "clip",
        "products",
        "cumulative extrema",
        "precision cast",
    ],
}


@pytest.mark.parametrize("names", MODELS.values(), ids=MODELS)
def test_models_and_their_derivatives_are_what_the_compiler_makes_of_them(names):
    models = [ZOO[name]() for name in names]

    def both(x):
        return [(model(x), jax.jvp(model, (x,), (x[::-1],))[1]) for model in models]

    assert_close(interpreted(both)(X), jit(both)(X), rtol=1e-12)


def test_integers_and_booleans_are_what_they_are_to_the_compiler():
    def function(i, j, x):
        arithmetic = (lax.div(i, j), lax.rem(i, j), i // j, i % j, i**3, jnp.clip(i, -2, 4))
        bits = (i & j, i | j, i ^ j, ~i, ~(i > j), jnp.any(i > j, axis=0), jnp.all(i > j, axis=1))
        casts = (
            x.astype(int),
            i.astype(bool),
            (i > j) * x,
            x.astype(jnp.bfloat16) ** 2,
        )
        return arithmetic, bits, casts, lax.pad(i, 7, ((-1, 2, 1), (1, -1, 0)))

    i, j = jnp.array([[7, -7, 3], [-3, 0, 5]]), jnp.array([[2, 2, -2], [-2, 4, 7]])
    arguments = (i, j, jnp.linspace(-2.5, 2.5, 6).reshape(2, 3))
    assert_same_dtypes_and_close(interpreted(function)(*arguments), jit(function)(*arguments))


def assert_same_dtypes_and_close(found, expected):
    assert jax.tree.map(lambda a: a.dtype, found) == jax.tree.map(lambda a: a.dtype, expected)
    assert_close(*(jax.tree.map(lambda a: np.asarray(a, complex), tree) for tree in (found, expected)))


def test_keys_are_drawn_from_as_by_the_compiler():
    def draws(keys):
        def one(key):
            first, second = jax.random.split(key)
            return jax.random.normal(first, (2,)), jax.random.choice(second, 5, (2,), replace=False)

        return jax.vmap(one)(keys), lax.map(lambda key: jax.random.uniform(key), keys)

    keys = jax.random.split(jax.random.key(0), 3)
    assert_same_dtypes_and_close(interpreted(draws)(keys), jit(draws)(keys))


def test_a_trace_is_made_once_for_arguments_of_one_type():
    traces = []
    function = interpreted(lambda x: traces.append(x) or 2 * x)
    assert [function(x).item() for x in (jnp.ones(()), jnp.zeros(()), 3, 4)] == [2, 0, 6, 8]
    assert len(traces) == 2
