"""Truncated Taylor polynomials of arrays, and their products, quotients and compositions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._arithmetic import Coefficient, dense, scale, times, total, weigh
from ._truncation import Expansion, Key, MultiIndex

Constant: TypeAlias = Array | np.ndarray
"""An array that does not depend on the formal variables."""


@dataclass(frozen=True, eq=False)
class Polynomial:
    """An array that depends on the formal variables: its value at 0 and its Taylor coefficients.

    Coefficients are normalised, `D^|α| / α!`; absent ones are zero. The primal is shared by all
    samples; `vanishes` says that it is known to be zero.
    """

    primal: Any
    coefficients: Mapping[Key, Any]
    vanishes: bool = False

    def dense(self) -> "Polynomial":
        """The same with every coefficient written out."""
        return Polynomial(self.primal, {k: dense(c) for k, c in self.coefficients.items()}, self.vanishes)

    def kept(self, keys: Iterable[Key]) -> "Polynomial":
        """The same without the coefficients of other keys."""
        kept = {key: self.coefficients[key] for key in keys if key in self.coefficients}
        return Polynomial(self.primal, kept, self.vanishes)


jax.tree_util.register_pytree_node(
    Polynomial,
    lambda p: ((p.primal, tuple(p.coefficients.values())), (tuple(p.coefficients), p.vanishes)),
    lambda aux, children: Polynomial(children[0], dict(zip(aux[0], children[1], strict=True)), aux[1]),
)

Value: TypeAlias = Constant | Polynomial


def primal(value: Value) -> Constant:
    """The value at 0."""
    return value.primal if isinstance(value, Polynomial) else value


def coefficients(value: Value) -> Mapping[Key, Coefficient]:
    """The Taylor coefficients; none for a constant."""
    return value.coefficients if isinstance(value, Polynomial) else {}


def polynomial(constant: Constant, terms: Mapping[Key, Coefficient | None], vanishes: bool = False) -> Value:
    """A polynomial of the coefficients that are not None; an array if there is none."""
    nonzero = {key: c for key, c in terms.items() if c is not None}
    return Polynomial(constant, nonzero, vanishes) if nonzero else constant


@dataclass(frozen=True)
class Bilinear:
    """A product of two arrays, and what it is where one or both have a leading axis of samples."""

    constants: Callable[[Constant, Constant], Array]
    left: Callable[[Coefficient, Constant], Coefficient]
    right: Callable[[Constant, Coefficient], Coefficient]
    both: Callable[[Coefficient, Coefficient], Coefficient]
    commutes: bool = False


ELEMENTWISE = Bilinear(jnp.multiply, scale, lambda a, c: scale(c, a), times, commutes=True)

Coefficients: TypeAlias = Mapping[Key, Coefficient]


def multiply(expansion: Expansion, product: Bilinear, left: Value, right: Value) -> Value:
    """The product of two polynomials, truncated."""
    l, r = coefficients(left), coefficients(right)  # noqa: E741
    left_vanishes, right_vanishes = _vanishes(left), _vanishes(right)

    def coefficient(key: Key) -> Coefficient | None:
        terms = [_convolve(expansion, key, product, l, r)]
        if key in l and not right_vanishes:
            terms.append(product.left(l[key], primal(right)))
        if key in r and not left_vanishes:
            terms.append(product.right(primal(left), r[key]))
        return total(terms)

    constant = product.constants(primal(left), primal(right))
    return polynomial(
        constant,
        {key: coefficient(key) for key in expansion.truncation.keys},
        left_vanishes or right_vanishes,
    )


def divide(
    expansion: Expansion,
    product: Bilinear,
    solve: Callable[[Coefficient], Coefficient],
    quotient: Constant,
    left: Value,
    right: Value,
) -> Value:
    """The y with `y · right = left`: `y_γ = (left_γ − Σ_{β≠0} y_{γ−β} · right_β) / right_0`.

    `quotient` is y_0, and `solve` divides a coefficient by right_0.
    """
    l, r = coefficients(left), coefficients(right)  # noqa: E741
    y: dict[Key, Coefficient] = {}
    for key in expansion.truncation.keys:
        known = [_convolve(expansion, key, product, y, r)]
        if key in r and not _vanishes(left):
            known.append(product.right(quotient, r[key]))
        subtracted = total(known)
        rest = total([l.get(key), None if subtracted is None else scale(subtracted, -1)])
        if rest is not None:
            y[key] = solve(rest)
    return polynomial(quotient, y, _vanishes(left))


def compose(expansion: Expansion, series: Sequence[Constant | None], inner: Polynomial) -> Value:
    """`φ(z)` entry by entry, from the normalised derivatives `φ^(k)(z_0)/k!` up to the order.

    `φ(z_0 + ν) = Σ_k φ_k ν^k`, where ν has no constant term and so is nilpotent.
    """
    nu = power = inner.coefficients
    terms: dict[Key, list[Coefficient]] = {key: [] for key in expansion.truncation.keys}
    for k, derivative in enumerate(series[1:], start=1):
        if k > 1:
            power = _next_power(expansion, nu, power, k)
        if derivative is not None:
            for key, c in power.items():
                terms[key].append(scale(c, derivative))
    constant = series[0]
    assert constant is not None
    return polynomial(constant, {key: total(summands) for key, summands in terms.items()})


def _next_power(expansion: Expansion, nu: Coefficients, power: Coefficients, k: int) -> Coefficients:
    """`ν^k` from `ν^(k−1)`, at the keys that reach degree k."""
    keys = [key for key in expansion.truncation.keys if expansion.truncation.degrees[key] >= k]
    values = {key: _convolve(expansion, key, ELEMENTWISE, nu, power) for key in keys}
    return {key: c for key, c in values.items() if c is not None}


def _convolve(
    expansion: Expansion, key: Key, product: Bilinear, left: Coefficients, right: Coefficients
) -> Coefficient | None:
    """What the nonconstant coefficients of two factors give to one coefficient of their product."""
    if isinstance(key, MultiIndex):
        return _pair(expansion, key, product, left, right)
    pairs = [(_pair(expansion, i, product, left, right), weights) for i, weights in expansion.summands(key)]
    over_samples = expansion.over_samples(key)
    return total(weigh(c, weights, over_samples) for c, weights in pairs if c is not None)


def _pair(
    expansion: Expansion, channel: MultiIndex, product: Bilinear, left: Coefficients, right: Coefficients
) -> Coefficient | None:
    pairs = [(a, b) for a, b in expansion.truncation.factors[channel] if a in left and b in right]
    if left is not right or not product.commutes:
        return total(product.both(left[a], right[b]) for a, b in pairs)
    twice = total(product.both(left[a], left[b]) for a, b in pairs if a < b)
    squares = [product.both(left[a], left[a]) for a, b in pairs if a == b]
    return total([*squares, None if twice is None else scale(twice, 2)])


def _vanishes(value: Value) -> bool:
    return isinstance(value, Polynomial) and value.vanishes
