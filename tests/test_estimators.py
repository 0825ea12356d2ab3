"""Every estimator on every operator that it does not refuse."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import (
    ACCEPTED,
    DIM,
    ESTIMATORS,
    OPERATORS,
    POINT,
    REFUSED,
    assert_close,
    assert_unbiased,
    cast,
    jit,
    network,
)
from interpreter import interpreted

import stde_core as stde

NUM_KEYS = 4000
EXACT = ("exact", "forward-laplacian")
EVERYONE_TAKES = ["function-times-laplacian", "x-dot-gradient", "gradient"]

QUICK = ("exact", "forward-laplacian", "stde", "sdgd", "hutchinson")


def each(estimators):
    return [pytest.param(*e, marks=() if e[0] in QUICK else pytest.mark.slow) for e in estimators]


pairs = pytest.mark.parametrize(("estimator", "operator"), each(ACCEPTED))
each_estimator = pytest.mark.parametrize("estimator", each((e,) for e in ESTIMATORS))


def operators(estimator):
    return {o: OPERATORS[o].operator for e, o in ACCEPTED if e == estimator}


@functools.cache
def estimates(estimator):
    """One call for all operators that an estimator accepts, for many keys."""

    def once(key):
        return stde.estimate(operators(estimator), network(), POINT, ESTIMATORS[estimator], key=key)

    found = interpreted(jax.vmap(once))(jax.random.split(jax.random.key(1), NUM_KEYS))
    return jax.tree.map(np.asarray, found)


def is_sampled(estimator, operator):
    return not np.all(estimates(estimator).standard_error[operator] == 0)


@pairs
def test_mean_over_keys_agrees_with_nested_derivatives(estimator, operator):
    values = estimates(estimator).value[operator]
    if estimator in EXACT or not is_sampled(estimator, operator):
        assert_close(values[0], OPERATORS[operator].expected)
    assert_unbiased(values, OPERATORS[operator].expected)


@pairs
def test_reported_standard_error_is_the_spread_over_keys(estimator, operator):
    found = estimates(estimator)
    spread = np.std(found.value[operator], axis=0)
    if not is_sampled(estimator, operator):
        np.testing.assert_allclose(spread, 0, atol=1e-12)
        return
    # Both are known to about √(kurtosis/4n), here 6 % for the heaviest tails (fourth powers of normals).
    reported = np.sqrt(np.mean(found.standard_error[operator] ** 2, axis=0))
    np.testing.assert_allclose(reported, spread, rtol=0.2)


@each_estimator
def test_an_estimate_has_the_tree_and_shapes_of_what_is_asked(estimator):
    found = estimates(estimator)
    assert jax.tree.structure(found.value) == jax.tree.structure(found.standard_error)
    for operator in operators(estimator):
        expected = OPERATORS[operator].expected
        assert found.value[operator].shape == (NUM_KEYS, *expected.shape)
        assert found.standard_error[operator].shape == (NUM_KEYS, *expected.shape)
    assert_close(found.primal[0], network()(POINT))


@pytest.mark.parametrize("estimator", [e for e in ESTIMATORS if e not in EXACT])
def test_something_is_sampled_by_every_random_estimator(estimator):
    assert is_sampled(estimator, "laplacian")
    assert not is_sampled(estimator, "x-dot-gradient")
    assert not is_sampled(estimator, "gradient")


@pytest.mark.parametrize(("estimator", "operator"), REFUSED)
def test_what_is_refused_is_refused_with_a_sentence(estimator, operator):
    reason = ESTIMATORS[estimator].refuses(OPERATORS[operator].operator, DIM)
    assert reason
    assert reason[-1] not in ".!"
    with pytest.raises(ValueError, match=f"^`{type(ESTIMATORS[estimator]).__name__}` ") as caught:
        stde.estimate(OPERATORS[operator].operator, network(), POINT, ESTIMATORS[estimator])
    assert reason in str(caught.value)


def test_exact_stde_and_sdgd_take_every_operator():
    for estimator in ("exact", "stde", "stde-replace", "sdgd", "sdgd-reverse"):
        assert operators(estimator).keys() == OPERATORS.keys()


@each_estimator
def test_values_and_errors_have_the_dtype_of_the_point(estimator):
    def once(model, x, key):
        return stde.estimate(operators(estimator), model, x, ESTIMATORS[estimator], key=key)

    model, x = cast(network(), jnp.float32), POINT.astype(jnp.float32)
    single = eqx.filter_eval_shape(once, model, x, jax.random.key(0))
    assert {leaf.dtype for leaf in jax.tree.leaves(single)} == {jnp.dtype(jnp.float32)}
    assert {leaf.dtype for leaf in jax.tree.leaves(estimates(estimator))} == {jnp.dtype(jnp.float64)}


def common(estimator, *, model=None):
    """`(x, key) ↦` the values of the operators that every estimator takes."""
    asked = {o: OPERATORS[o].operator for o in EVERYONE_TAKES}
    estimated = stde.Estimated(asked, network() if model is None else model, ESTIMATORS[estimator])
    return lambda x, key: estimated(x, key=key)


@each_estimator
def test_single_precision_agrees_with_double_precision(estimator):
    x, key = POINT, jax.random.key(3)
    single = interpreted(common(estimator, model=cast(network(), jnp.float32)))(x.astype(jnp.float32), key)
    # The same key draws other normals in other precisions, so only exact values are compared there.
    exact = {o: OPERATORS[o].expected for o in ("x-dot-gradient", "gradient")}
    if estimator in EXACT:
        exact |= {o: OPERATORS[o].expected for o in EVERYONE_TAKES}
    assert_close({o: single[o] for o in exact}, exact, rtol=2e-5, atol=2e-6)


@each_estimator
def test_transforms_keep_values_and_gradients(estimator, getkey):
    """jit of vmap of grad, against a loop, and against central differences in the parameters."""
    arrays, rest = eqx.partition(network(), eqx.is_array)
    leaves, treedef = jax.tree.flatten(arrays)
    noise = jax.random.split(getkey(), len(leaves))
    towards = [jax.random.normal(k, leaf.shape) for k, leaf in zip(noise, leaves, strict=True)]
    points, keys, step = POINT[None] + jnp.arange(2.0)[:, None] / 10, jax.random.split(getkey(), 2), 1e-5

    def values(scale, x, key):
        moved = jax.tree.map(lambda a, t: a + scale * t, arrays, jax.tree.unflatten(treedef, towards))
        return common(estimator, model=eqx.combine(moved, rest))(x, key)

    def loss(scale, x, key):
        found = values(scale, x, key)
        return sum(jnp.sum(jnp.sin(value)) for value in jax.tree.leaves(found)), found

    scales, rows = jnp.array([0.0, 0.0, step, -step]), jnp.array([0, 1, 0, 0])
    loop = interpreted(lambda *args: jax.lax.map(lambda one: loss(*one), args))
    losses, one_by_one = loop(scales, points[rows], keys[rows])
    batch = jit(jax.vmap(jax.grad(loss, has_aux=True), in_axes=(None, 0, 0)))
    slopes, together = batch(0.0, points, keys)
    assert_close(together, jax.tree.map(lambda value: value[:2], one_by_one))
    # The error of central differences is of the order of step² ≈ 1e-10 plus rounding / step ≈ 1e-11.
    np.testing.assert_allclose(slopes[0], (losses[2] - losses[3]) / (2 * step), rtol=1e-6, atol=1e-8)


def test_every_estimator_takes_the_operators_that_the_transforms_are_tested_on():
    assert all((e, o) in ACCEPTED for e in ESTIMATORS for o in EVERYONE_TAKES)
