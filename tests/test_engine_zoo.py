"""The engine against nested `jax.jvp` in double precision: the zoo, and derivatives at kinks.

Along dense directions the models come after a curved map, so that every coefficient is at work;
along one-hot ones they see x itself, so that structure is.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_formulas import KINKS
from engine_reference import derivatives
from engine_zoo import NOT_AT_THE_ORIGIN, REFERENCES, SINGLE_PRECISION, SLOW, ZOO, warp
from helpers import assert_close
from interpreter import interpreted

import stde_core as stde
from stde_core import contractions

POINTS = {"random": jnp.array([0.3, -0.4, 0.2, 0.5]), "origin": jnp.zeros(4)}
V, W, Z = jnp.array([[0.7, 0.2, -1.1, 0.4], [-0.3, 0.8, 0.5, 0.6], [0.9, -0.5, 0.1, 0.3]])
AXES = jnp.array([[2], [0], [3]])
DENSE = jnp.array([[V, V, V, V], [W, W, W, W], [V, W, V, V], [V, W, W, V], [V, W, Z, V]])
ONE_HOT = jnp.repeat(jnp.eye(4)[AXES], 4, axis=1)


def each_of(names):
    marked = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in names]
    return pytest.mark.parametrize("name", marked)


def nested(model, x):
    """Derivatives of orders 1 to 4, `[8, *out]` each: 5 of the curved model, 3 of the model itself."""

    def along(case):
        curved, vectors = case
        return derivatives(lambda x: model(x + curved * (warp(x) - x)), x, list(vectors))

    curved = jnp.array([1.0] * len(DENSE) + [0.0] * len(ONE_HOT))
    return jax.lax.map(along, (curved, jnp.concatenate([DENSE, ONE_HOT])))


def check(model, reference, x):
    """Contractions of all kinds, from the engine and from nested AD."""
    pure, mixed = stde.Dense(DENSE[:2, :1]), stde.Dense(DENSE[4:, :3])
    found = (
        contractions.taylor(lambda x: model(warp(x)), x, pure, ((1,), (2,), (3,), (4,))),
        contractions.taylor(lambda x: model(warp(x)), x, mixed, ((1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, 1))),
        contractions.taylor(model, x, stde.OneHot(AXES), ((1,), (2,), (3,))),
    )
    first, second, third, fourth = nested(reference, x)
    expected = (
        (first[:2], second[:2], third[:2], fourth[:2]),
        (second[2:3], third[2:3], third[3:4], third[4:5]),
        (first[5:], second[5:], third[5:]),
    )
    return found, expected


def assert_agree(found, expected, rtol=1e-9):
    def compare(f, e):
        assert np.all(np.isfinite(e))
        assert_close(f, e, rtol=rtol, atol=rtol / 100 * max(1, np.max(np.abs(e))))

    jax.tree.map(compare, found, expected)


@each_of(ZOO)
def test_the_zoo_agrees_with_nested_differentiation(name):
    model = ZOO[name]()
    both = interpreted(functools.partial(check, model, REFERENCES.get(name, model)))
    rtol = 1e-6 if name in SINGLE_PRECISION else 1e-9
    assert_agree(*both(POINTS["random"]), rtol)
    found, expected = both(POINTS["origin"])
    if name in NOT_AT_THE_ORIGIN:
        assert not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(expected))
    else:
        assert_agree(found, expected, rtol)


@each_of(KINKS)
def test_derivatives_at_a_kink_agree_with_nested_differentiation(name):
    function, kink = KINKS[name]
    model = lambda x: function(jnp.asarray(kink, x.dtype) + x)  # noqa: E731
    assert_agree(*interpreted(functools.partial(check, model, model))(POINTS["origin"]))
