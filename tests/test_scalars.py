"""The rules of elementwise functions against nested `jax.jvp` of the primitives that they are for."""

import collections
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close
from interpreter import interpreted
from jax import lax
from jax.extend.core import Literal

from stde_core._taylor._scalars import SCALARS, power

ORDER = 6
# As many points everywhere: evaluated one by one, the primitives are then compiled once for all rules.
GENERAL = [-2.3, -0.7, 0.0, 0.4, 1.9]
NONZERO = [-2.3, -0.7, 0.4, 1.9, 2.6]
POSITIVE = [0.2, 0.6, 1.0, 1.9, 3.7]
INNER = [-0.9, -0.3, 0.0, 0.4, 0.8]
DOMAINS = {
    "asin": INNER,
    "acos": INNER,
    "acosh": [1.2, 1.5, 1.9, 2.8, 4.0],
    "atanh": INNER,
    "log": POSITIVE,
    "log2": POSITIVE,
    "log1p": [-0.8, -0.3, 0.0, 0.4, 2.6],
    "sqrt": POSITIVE,
    "rsqrt": POSITIVE,
    "cbrt": NONZERO,
}
COMPLEX = [0.3 + 0.4j, -0.5 + 0.2j, 0.1 - 0.6j, 1.2 + 0.3j, 0.7 - 0.2j]
ONLY_REAL = {"erf", "erfc", "cbrt"}
WEIGHTS = (0.3, -1.1, 0.7, 0.9)  # of the coefficients, in a function to differentiate

# Every rule; the powers with exponents of both signs, of which the negative ones are not for 0.
CASES = [(name, ()) for name in SCALARS if name != "integer_pow" and hasattr(lax, name)]
CASES += [("integer_pow", (("y", y),)) for y in (0, 1, 2, 3, 7, -1, -4)]


def for_each(cases):
    ids = ["".join(map(str, [name, *dict(params).values()])) for name, params in cases]
    return pytest.mark.parametrize(("name", "params"), cases, ids=ids)


every_case = for_each(CASES)
every_complex_case = for_each([case for case in CASES if case[0] not in ONLY_REAL])


def derivatives(f, z, order):
    """The normalised derivatives up to the order, by nested `jax.jvp` along the real axis."""

    def lift(tower):
        def lifted(z):
            values, tangents = jax.jvp(tower, (z,), (jnp.ones_like(z),))
            return [*values, tangents[-1]]

        return lifted

    tower = functools.reduce(lambda tower, _: lift(tower), range(order), lambda z: [f(z)])
    return [value / math.factorial(k) for k, value in enumerate(tower(z))]


def dense(coefficients, z):
    return [jnp.zeros_like(z) if c is None else c for c in coefficients]


def derivatives_of_combination(coefficients):
    """The derivatives of the weighted sum of coefficients, by `d/dz y_k = (k + 1) y_{k+1}`."""
    y = coefficients
    first = sum(w * (k + 1) * y[k + 1] for k, w in enumerate(WEIGHTS))
    return first, sum(w * (k + 1) * (k + 2) * y[k + 2] for k, w in enumerate(WEIGHTS))


def gradients(rule, z):
    """The first and the second derivative of the weighted sum of coefficients, by reverse mode."""
    weights = [jnp.full_like(z, w) for w in WEIGHTS]

    def first(z):
        return jax.vjp(lambda z: dense(rule(z, 3), z), z)[1](weights)[0]

    return first(z), jax.vjp(first, z)[1](jnp.ones_like(z))[0]


def rule_and_primitive(name, params):
    return tuple(functools.partial(f, **dict(params)) for f in (SCALARS[name], getattr(lax, name)))


@functools.cache
def coefficients(name, params):
    """The points at which a rule is tested, and its coefficients there."""
    general = NONZERO if dict(params).get("y", 0) < 0 else GENERAL
    x = jnp.array(DOMAINS.get(name, general))
    return x, dense(rule_and_primitive(name, params)[0](x, ORDER), x)


@every_case
def test_coefficients_are_the_nested_derivatives(name, params):
    x, found = coefficients(name, params)
    expected = derivatives(rule_and_primitive(name, params)[1], x, ORDER)
    assert np.all(np.isfinite(expected))
    assert_close(found, expected, rtol=1e-11, atol=1e-12)


@every_complex_case
def test_complex_coefficients_are_the_nested_derivatives(name, params):
    rule, primitive = rule_and_primitive(name, params)
    z = jnp.array(COMPLEX)
    if name == "acosh":  # of which JAX took the derivative on another branch until 0.11
        primitive = lambda z: jnp.log(z + jnp.sqrt(z - 1) * jnp.sqrt(z + 1))  # noqa: E731
    expected = derivatives(primitive, z, ORDER)
    assert np.all(np.isfinite(expected))
    assert_close(dense(rule(z, ORDER), z), expected, rtol=1e-11, atol=1e-12)


@every_case
def test_gradients_of_the_coefficients_are_the_next_ones(name, params):
    x, y = coefficients(name, params)
    found = gradients(rule_and_primitive(name, params)[0], x)
    assert_close(found, derivatives_of_combination(y), rtol=1e-9, atol=1e-10)


@every_case
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_precision_is_kept(name, params, dtype):
    assert precisions(name, params, dtype) == {jnp.dtype(dtype)}


@every_complex_case
def test_complex_precision_is_kept(name, params):
    assert precisions(name, params, "complex64") == {np.dtype(np.complex64)}


def precisions(name, params, dtype):
    rule, _ = rule_and_primitive(name, params)
    found = jax.eval_shape(lambda z: rule(z, ORDER), jax.ShapeDtypeStruct((2, 3), dtype))
    return {c.dtype for c in found if c is not None and c.shape == (2, 3)}


@pytest.mark.parametrize("name", [name for name in SCALARS if hasattr(lax, name)])
def test_names_are_those_of_the_primitives(name):
    params = {"y": 3} if name == "integer_pow" else {}
    (equation,) = jax.make_jaxpr(lambda z: getattr(lax, name)(z, **params))(1.5).eqns
    assert equation.primitive.name == name
    jax.eval_shape(lambda z: SCALARS[name](z, 2, **equation.params), 1.5)


@every_case
def test_no_operation_is_wasted(name, params):
    rule = functools.partial(SCALARS[name], **dict(params))
    closed = jax.make_jaxpr(lambda z: [c for c in rule(z, 2) if c is not None])(jnp.ones(2) / 2)
    for equation in closed.eqns:
        constants = [float(v.val) for v in equation.invars if isinstance(v, Literal)]
        assert not (equation.primitive.name == "mul" and {0.0, 1.0, -1.0} & {*constants})
        assert not (equation.primitive.name in ("add", "sub") and 0.0 in constants)
    counts = collections.Counter(equation.primitive.name for equation in closed.eqns)
    transcendental = [counts[function] for function in set(SCALARS) - {"integer_pow", "square"}]
    assert max(transcendental) <= 1 and sum(transcendental) <= 2
    assert counts["div"] <= 1


def test_the_second_order_of_tanh_is_minimal():
    closed = jax.make_jaxpr(lambda z: SCALARS["tanh"](z, 2))(1.0)
    assert [e.primitive.name for e in closed.eqns] == ["tanh", "square", "sub", "mul", "neg"]


@pytest.mark.parametrize("y", range(5))
def test_beyond_the_degree_there_is_nothing(y):
    coefficients = SCALARS["integer_pow"](jnp.zeros(5), ORDER, y=y)
    assert [c is None for c in coefficients] == [k > y for k in range(ORDER + 1)]
    np.testing.assert_array_equal(coefficients[y], np.ones(5))
    assert all(np.all(c == 0) for c in coefficients[:y])


@pytest.mark.parametrize("name", ["log1p", "expm1", "sin", "tan", "tanh", "asin", "atan", "asinh", "atanh"])
def test_near_zero_nothing_cancels(name):
    z = jnp.array([-1e-12, -1e-20, 0.0, 1e-20, 1e-12])
    value, slope, *_ = SCALARS[name](z, 2)
    np.testing.assert_allclose(value, z, rtol=1e-11)
    np.testing.assert_allclose(slope, 1, rtol=1e-11)


@pytest.mark.parametrize("name", ["tanh", "logistic", "erf", "erfc", "atan", "asinh", "sin", "cos", "log1p"])
def test_large_arguments_in_single_precision(name):
    z = jnp.array([30.0, 50.0, 100.0, 1e3, 1e4] if name == "log1p" else [-1e4, -100.0, -30.0, 30.0, 1e3])
    rule = SCALARS[name]
    single, exact = ([*rule(z, ORDER), *gradients(rule, z)] for z in (z.astype(jnp.float32), z))
    for s, e in zip(single, exact, strict=True):
        assert np.all(np.isfinite(s))
        np.testing.assert_allclose(s, e, rtol=1e-4, atol=1e-7)


SINGULAR = {
    "sqrt": [0.0],
    "rsqrt": [0.0],
    "cbrt": [0.0],
    "log": [0.0],
    "log1p": [-1.0],
    "asin": [-1.0, 1.0],
    "acos": [-1.0, 1.0],
    "acosh": [1.0],
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_points_are_those_of_jax(name):
    z = jnp.resize(jnp.array(SINGULAR[name]), 5)
    order = 2 if name == "acosh" else 3  # the third one of acosh is ∞ or nan, by release
    expected = derivatives(getattr(lax, name), z, order)
    np.testing.assert_array_equal(SCALARS[name](z, order), expected)
    assert np.all(np.isinf(expected[1]))


# --- powers with an exponent that is an array


@pytest.mark.parametrize("a", [0.0, 1.0, 2.0, 3.0, 5.0, 2])
def test_whole_powers_at_zero_and_negative_bases(a):
    z, exponent = jnp.array(GENERAL), jnp.full(5, a)
    expected = dense(SCALARS["integer_pow"](z, ORDER, y=int(a)), z)
    assert_close(power(z, exponent, ORDER), expected, rtol=1e-12)
    found = interpreted(lambda z, a: gradients(lambda z, order: power(z, a, order), z))(z, exponent)
    assert_close(found, derivatives_of_combination(expected), rtol=1e-12)


EXPONENTS = jnp.array([-2.0, -0.5, 0.3, 1.5, 2.5])


@pytest.mark.parametrize("z", [POSITIVE, COMPLEX], ids=["real", "complex"])
def test_powers_agree_with_nested_derivatives(z):
    z = jnp.array(z)
    expected = derivatives(lambda z: lax.pow(z, EXPONENTS.astype(z.dtype)), z, ORDER)
    assert_close(power(z, EXPONENTS, ORDER), expected, rtol=1e-11)


def test_derivatives_by_the_exponent_agree():
    z = jnp.array(POSITIVE)

    def slope(f):
        return jax.jvp(f, (EXPONENTS,), (jnp.ones_like(EXPONENTS),))[1]

    expected = slope(lambda a: derivatives(lambda z: lax.pow(z, a), z, 3))
    assert_close(slope(lambda a: power(z, a, 3)), expected, rtol=1e-10)


def test_singular_powers_are_those_of_jax():
    z = jnp.zeros(5)
    expected = derivatives(lambda z: lax.pow(z, EXPONENTS), z, 3)
    np.testing.assert_array_equal(power(z, EXPONENTS, 3), expected)


def test_the_exponent_has_a_gradient_where_the_binomial_is_zero():
    # d/da [a (a - 1) (a - 2) / 6 z^(a - 3)] at a = 2.
    gradient = interpreted(jax.grad(lambda a: power(jnp.array(0.7), a, 3)[3]))(2.0)
    np.testing.assert_allclose(gradient, 2 / 6 / 0.7, rtol=1e-12)


@pytest.mark.parametrize("a", [2.5, -1.5, 3.0, 2, -2, np.float32(0.25)])
def test_numbers_known_while_tracing_are_powers_too(a):
    z = jnp.array(POSITIVE)
    expected = power(z, jnp.full(5, a), 4)
    assert_close(dense(power(z, a, 4), z), expected, rtol=1e-13)


def test_whole_numbers_known_while_tracing_need_no_power():
    literal = jax.make_jaxpr(lambda z: z**3.0)(1.0).eqns[0].invars[1].val
    closed = jax.make_jaxpr(lambda z: power(z, literal, 2))(1.0)
    assert {e.primitive.name for e in closed.eqns} == {"integer_pow", "mul"}


def test_exponents_broadcast_and_keep_single_precision():
    z = jnp.full((2, 3), 0.5, jnp.float32)
    run = jax.jit(jax.vmap(lambda z, a: power(z, a, 2), in_axes=(0, None)))
    for a in (jnp.float32(1.5), jnp.arange(3.0, dtype=jnp.float32), 3):
        assert {(c.shape, c.dtype) for c in run(z, a)} == {((2, 3), np.dtype(np.float32))}
