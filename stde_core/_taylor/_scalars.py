"""Taylor coefficients of the elementwise functions of one variable, by primitive.

A rule takes the argument z, the order K and the primitive's parameters, and returns the normalised
coefficients `[φ(z), φ'(z), φ''(z)/2!, …, φ⁽ᴷ⁾(z)/K!]`, each of z's shape, or None for one that is zero for
every z. They follow from φ(z), φ'(z) and the differential equation of φ, as in Griewank and Walther,
*Evaluating Derivatives* (2nd ed., 2008), chapter 13. Constants are Python numbers, which keep the dtype of
z. Cost: φ(z) and φ'(z) once, then O(K) products, or O(K²) for the functions with a Riccati equation.
"""

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike

from .._types import Value

Number: TypeAlias = int | float | complex
ScalarRule: TypeAlias = Callable[..., Sequence[Value | None]]


def _times(factor: Number, x: Value) -> Value:
    """`factor · x`, without a product by ±1."""
    if factor == 1:
        return x
    return -x if factor == -1 else factor * x


def _monomial(factor: Number, x: Value, power: int) -> Value:
    """`factor · xᵖ` for p ≥ 0."""
    if power == 0:
        return lax.full_like(x, factor)
    return _times(factor, x if power == 1 else lax.integer_pow(x, power))


def _binomial(a: Any, k: int) -> Any:
    """`a (a - 1) … (a - k + 1) / k!` of a number or an array, exact for integers."""
    return functools.reduce(lambda c, i: c * (a - i) / (i + 1), range(1, k), a) if k else 1.0


# --- y'' = ±y and y' = λy


def _harmonic(value: Value, slope: Value, sign: int, order: int) -> list[Value]:
    """`y'' = ±y`: the derivatives alternate between value and slope, up to sign."""
    return [_times(sign ** (k // 2) / math.factorial(k), (value, slope)[k % 2]) for k in range(order + 1)]


def _exponential(value: Value, rate: float, order: int) -> list[Value]:
    """`y' = λy`."""
    return [_times(rate**k / math.factorial(k), value) for k in range(order + 1)]


def _expm1(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.expm1(z)
    return [value, *_exponential(value + 1, 1.0, order)[1:]]


# --- y' = c ± y²


def _riccati(value: Value, slope: Value, sign: int, order: int) -> list[Value]:
    """`y' = c ± y²`: each coefficient from the square of the series so far."""
    y = [value, slope]
    for k in range(1, order):
        y.append(_times(2 * sign / (k + 1), _half_square(y)))
    return y


def _half_square(y: Sequence[Value]) -> Value:
    """Half of `Σ y_i y_{k−i}` for the last index k: each pair once, and half the square of the middle."""
    k = len(y) - 1
    pairs = [y[i] * y[k - i] for i in range((k + 1) // 2)]
    middle = [] if k % 2 else [0.5 * lax.square(y[k // 2])]
    return functools.reduce(operator.add, pairs + middle)


def _tan(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.tan(z)
    return _riccati(value, 1 + lax.square(value), 1, order)


def _tanh(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.tanh(z)
    return _riccati(value, 1 - lax.square(value), -1, order)


def _logistic(z: Value, order: int, **_: Any) -> list[Value]:
    """`y' = y (1 - y)`, that is `u' = 1/4 - u²` for `u = y - 1/2`."""
    value = lax.logistic(z)
    return [value, *_riccati(value - 0.5, value * (1 - value), -1, order)[1:]]


# --- p y'' = λ z y' with a quadratic p


def _second_order(
    value: Value, slope: Value, z: Value, order: int, *, rate: int, q: int, reciprocal: Value | None = None
) -> list[Value]:
    """`p y'' = λ z y'` with the rate λ and `p = c + q z²`; `reciprocal` is 1/p, None for p = 1.

    By order, `(k+1)(k+2) p y_{k+2} = (k+1)(λ - 2qk) z y_{k+1} + k (λ - q(k-1)) y_k`.
    """
    y = [value, slope]
    for k in range(order - 1):
        factor = rate - 2 * q * k
        following = z * y[-1]
        if k > 0:
            following = following + _times(k * (rate - q * (k - 1)) / ((k + 1) * factor), y[-2])
        if reciprocal is not None:
            following = reciprocal * following
        y.append(_times(factor / (k + 2), following))
    return y


def _inverse_root(value: Value, slope: Value, z: Value, order: int, *, q: int) -> list[Value]:
    """`y' = ±p^(-1/2)` with `p = c + q z²`."""
    return _second_order(value, slope, z, order, rate=-q, q=q, reciprocal=lax.square(slope))


def _acosh(z: Value, order: int, **_: Any) -> list[Value]:
    if jnp.iscomplexobj(z):  # where Re z < 0, the root of the product is on another branch
        return _inverse_root(lax.acosh(z), lax.rsqrt(z - 1) * lax.rsqrt(z + 1), z, order, q=1)
    return _inverse_root(lax.acosh(z), lax.rsqrt((z - 1) * (z + 1)), z, order, q=1)


def _inverse(value: Value, slope: Value, z: Value, order: int, *, q: int) -> list[Value]:
    """`y' = 1/p` with `p = c + q z²`."""
    return _second_order(value, slope, z, order, rate=-2 * q, q=q, reciprocal=slope)


def _gaussian(value: Value, sign: int, z: Value, order: int) -> list[Value]:
    """`y' = ±2/√π exp(-z²)`, so that `y'' = -2 z y'`."""
    slope = sign * 2 / math.sqrt(math.pi) * lax.exp(-lax.square(z))
    return _second_order(value, slope, z, order, rate=-2, q=0)


# --- powers and logarithms


def _logarithm(value: Value, reciprocal: Value, order: int) -> list[Value]:
    """`y' = 1/z`, from the reciprocal of z."""
    return [value, *(_monomial((-1) ** (k - 1) / k, reciprocal, k) for k in range(1, order + 1))]


def _log2(z: Value, order: int, **_: Any) -> list[Value]:
    value, *derivatives = _logarithm(lax.log2(z), 1 / z, order)  # pyright: ignore[reportAttributeAccessIssue]
    return [value, *(_times(1 / math.log(2), c) for c in derivatives)]


def _sqrt(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.sqrt(z)
    slope = 0.5 / value
    factors = (_binomial(0.5, k) * 2 ** (2 * k - 1) for k in range(1, order + 1))
    return [value, *(_monomial(factor, slope, 2 * k - 1) for k, factor in enumerate(factors, start=1))]


def _rsqrt(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.rsqrt(z)
    return [_monomial(_binomial(-0.5, k), value, 2 * k + 1) for k in range(order + 1)]


def _cbrt(z: Value, order: int, **_: Any) -> list[Value]:
    value = lax.cbrt(z)
    reciprocal = 1 / value
    return [value, *(_monomial(_binomial(1 / 3, k), reciprocal, 3 * k - 1) for k in range(1, order + 1))]


def _one_minus_square(z: Value, order: int, **_: Any) -> list[Value | None]:
    square = _integer_pow(z, order, y=2)
    return [(1 - z) * (1 + z), *(None if c is None else -c for c in square[1:])]


def _integer_pow(z: Value, order: int, *, y: int, **_: Any) -> list[Value | None]:
    # A nonnegative power has monomials for derivatives: exact at z = 0, and zero beyond the degree.
    if y < 0:
        reciprocal = 1 / z
        return [_monomial(_binomial(y, k), reciprocal, k - y) for k in range(order + 1)]
    return [_monomial(_binomial(y, k), z, y - k) if k <= y else None for k in range(order + 1)]


def power(z: Value, exponent: ArrayLike, order: int) -> list[Value | None]:
    """The coefficients `binom(a, k) z^(a-k)` of `z^a`, for an exponent a that is constant in z.

    They, and their derivatives, are right for z < 0 with whole a, and at z = 0 with whole a ≥ 0. Cost: one
    power per order; only products for a whole number that is known at trace time.
    """
    if isinstance(exponent, Tracer) or np.ndim(exponent):
        a = jnp.asarray(exponent, z.dtype)
        return [_power(z, a, k) for k in range(order + 1)]
    number = np.asarray(exponent).item()
    if number == number.real // 1:
        return _integer_pow(z, order, y=int(number.real))
    return [_times(_binomial(number, k), z ** (number - k)) for k in range(order + 1)]


def _power_of(z: Value, a: Value, k: int) -> Value:
    """`binom(a, k) z^(a-k)`; 0 where the binomial is 0, also at z = 0."""
    if k == 0:
        return lax.pow(z, a)
    factor = _binomial(a, k)
    return factor * lax.pow(jnp.where((z == 0) & (factor == 0), 1, z), a - k)


_power = jax.custom_jvp(_power_of, nondiff_argnums=(2,))


@functools.partial(_power.defjvp, symbolic_zeros=True)
def _(k: int, primals: Sequence[Value], tangents: Sequence[Any]) -> tuple[Value, Value]:
    """`d/dz y_k = (k+1) y_{k+1}`, where the derivative of `lax.pow` would be 0·∞ at z = 0."""
    z, a = primals
    dz, da = tangents
    parts = []
    if not isinstance(dz, SymbolicZero):
        parts.append(dz * _times(k + 1, _power(z, a, k + 1)))
    if not isinstance(da, SymbolicZero):
        parts.append(jax.jvp(lambda a: _power_of(z, a, k), (a,), (da,))[1])
    return _power(z, a, k), functools.reduce(operator.add, parts)


SCALARS: dict[str, ScalarRule] = {
    "sin": lambda z, order, **_: _harmonic(lax.sin(z), lax.cos(z), -1, order),
    "cos": lambda z, order, **_: _harmonic(lax.cos(z), -lax.sin(z), -1, order),
    "sinh": lambda z, order, **_: _harmonic(lax.sinh(z), lax.cosh(z), 1, order),
    "cosh": lambda z, order, **_: _harmonic(lax.cosh(z), lax.sinh(z), 1, order),
    "exp": lambda z, order, **_: _exponential(lax.exp(z), 1.0, order),
    "exp2": lambda z, order, **_: _exponential(lax.exp2(z), math.log(2), order),
    "expm1": _expm1,
    "tan": _tan,
    "tanh": _tanh,
    "logistic": _logistic,
    "asin": lambda z, order, **_: _inverse_root(lax.asin(z), lax.rsqrt((1 - z) * (1 + z)), z, order, q=-1),
    "acos": lambda z, order, **_: _inverse_root(lax.acos(z), -lax.rsqrt((1 - z) * (1 + z)), z, order, q=-1),
    "asinh": lambda z, order, **_: _inverse_root(lax.asinh(z), lax.rsqrt(1 + lax.square(z)), z, order, q=1),
    "acosh": _acosh,
    "atan": lambda z, order, **_: _inverse(lax.atan(z), 1 / (1 + lax.square(z)), z, order, q=1),
    "atanh": lambda z, order, **_: _inverse(lax.atanh(z), 1 / ((1 - z) * (1 + z)), z, order, q=-1),
    "erf": lambda z, order, **_: _gaussian(lax.erf(z), 1, z, order),
    "erfc": lambda z, order, **_: _gaussian(lax.erfc(z), -1, z, order),
    "log": lambda z, order, **_: _logarithm(lax.log(z), 1 / z, order),
    "log2": _log2,
    "log1p": lambda z, order, **_: _logarithm(lax.log1p(z), 1 / (1 + z), order),
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "cbrt": _cbrt,
    "integer_pow": _integer_pow,
    "square": lambda z, order, **_: _integer_pow(z, order, y=2),
    "one_minus_square": _one_minus_square,
}
