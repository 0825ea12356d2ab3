"""Truncated Taylor polynomials of arrays, and their products, quotients and compositions.

Griewank and Walther, *Evaluating Derivatives* (2nd ed., 2008), chapter 13, gives the rules for one
variable; here the exponents are multi-indices.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._arithmetic import TaylorCoefficient, dense, scale, times, total, weigh
from ._truncation import Expansion, Key, MultiIndex

Constant: TypeAlias = Array | np.ndarray
"""An array that does not depend on the formal variables."""


@dataclass(frozen=True, eq=False)
class Polynomial:
    """An array that depends on the formal variables: its value at 0 and its Taylor coefficients.

    Coefficients are normalised, `D^|α| / α!`; absent ones are zero. All samples share the primal.
    `vanishes` says that the primal is known to be zero, so products skip the terms with it.
    """

    primal: Any
    coefficients: Mapping[Key, Any]
    vanishes: bool = False

    def dense(self) -> "Polynomial":
        """The same with every coefficient written out."""
        return Polynomial(self.primal, {k: dense(c) for k, c in self.coefficients.items()}, self.vanishes)

    def kept(self, keys: Iterable[Key]) -> "Polynomial":
        """The same with the coefficients of these keys only."""
        kept = {key: self.coefficients[key] for key in keys if key in self.coefficients}
        return Polynomial(self.primal, kept, self.vanishes)


jax.tree_util.register_pytree_node(
    Polynomial,
    lambda p: ((p.primal, tuple(p.coefficients.values())), (tuple(p.coefficients), p.vanishes)),
    lambda aux, children: Polynomial(children[0], dict(zip(aux[0], children[1], strict=True)), aux[1]),
)

Value: TypeAlias = Constant | Polynomial
Coefficients: TypeAlias = Mapping[Key, TaylorCoefficient]


def primal(value: Value) -> Constant:
    """The value at 0."""
    return value.primal if isinstance(value, Polynomial) else value


def coefficients(value: Value) -> Coefficients:
    """The Taylor coefficients; none for a constant."""
    return value.coefficients if isinstance(value, Polynomial) else {}


def vanishes(value: Value) -> bool:
    """Whether the value at 0 is known to be zero."""
    return isinstance(value, Polynomial) and value.vanishes


def polynomial(
    constant: Constant, terms: Mapping[Key, TaylorCoefficient | None], vanishes: bool = False
) -> Value:
    """A polynomial with the coefficients that are not None; an array if there is none."""
    nonzero = {key: c for key, c in terms.items() if c is not None}
    return Polynomial(constant, nonzero, vanishes) if nonzero else constant


@dataclass(frozen=True)
class Bilinear:
    """A product of two arrays, and its versions where one or both have a leading axis of samples."""

    constants: Callable[[Constant, Constant], Array]
    left: Callable[[TaylorCoefficient, Constant], TaylorCoefficient]
    right: Callable[[Constant, TaylorCoefficient], TaylorCoefficient]
    both: Callable[[TaylorCoefficient, TaylorCoefficient], TaylorCoefficient]
    commutes: bool = False

    @staticmethod
    def vmapped(product: Callable[[Constant, Constant], Array]) -> "Bilinear":
        """Any product, its versions by `jax.vmap` on coefficients written out."""
        return Bilinear(
            product,
            lambda c, right: jax.vmap(lambda left: product(left, right))(dense(c)),
            lambda left, c: jax.vmap(partial(product, left))(dense(c)),
            lambda a, b: jax.vmap(product)(dense(a), dense(b)),
        )


ELEMENTWISE = Bilinear(jnp.multiply, scale, lambda a, c: scale(c, a), times, commutes=True)


def multiply(expansion: Expansion, product: Bilinear, left: Value, right: Value) -> Value:
    """The product of two polynomials, truncated: `y_γ = Σ_{α+β=γ} left_α · right_β`."""
    l, r = coefficients(left), coefficients(right)  # noqa: E741

    def coefficient(key: Key) -> TaylorCoefficient | None:
        terms = [_convolve(expansion, key, product, l, r)]
        if key in l and not vanishes(right):
            terms.append(product.left(l[key], primal(right)))
        if key in r and not vanishes(left):
            terms.append(product.right(primal(left), r[key]))
        return total(terms)

    constant = product.constants(primal(left), primal(right))
    terms = {key: coefficient(key) for key in expansion.truncation.keys}
    return polynomial(constant, terms, vanishes(left) or vanishes(right))


def divide(
    expansion: Expansion,
    product: Bilinear,
    solve: Callable[[TaylorCoefficient], TaylorCoefficient],
    quotient: Constant,
    left: Value,
    right: Value,
) -> Value:
    """The y with `y · right = left`: `y_γ = (left_γ − Σ_{β≠0} y_{γ−β} · right_β) / right_0`.

    `quotient` is y_0, and `solve` divides a coefficient by right_0.
    """
    l, r = coefficients(left), coefficients(right)  # noqa: E741
    y: dict[Key, TaylorCoefficient] = {}
    # Keys rise in degree, so all `y_{γ−β}` are there when `y_γ` needs them.
    for key in expansion.truncation.keys:
        products = [_convolve(expansion, key, product, y, r)]
        if key in r and not vanishes(left):
            products.append(product.right(quotient, r[key]))
        subtracted = total(products)
        residual = total([l.get(key), None if subtracted is None else scale(subtracted, -1)])
        if residual is not None:
            y[key] = solve(residual)
    return polynomial(quotient, y, vanishes(left))


def compose(expansion: Expansion, series: Sequence[Constant | None], inner: Polynomial) -> Value:
    """`φ(z)` entry by entry, from the normalised derivatives `φ^(k)(z_0)/k!` up to the order.

    `φ(z_0 + ν) = Σ_k φ_k ν^k`, a finite sum, since ν has no constant term.
    """
    nu = power = inner.coefficients
    terms: dict[Key, list[TaylorCoefficient]] = {key: [] for key in expansion.truncation.keys}
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
) -> TaylorCoefficient | None:
    """The part of a product's coefficient without either primal: `Σ left_α · right_β` with α, β ≠ 0."""
    if isinstance(key, MultiIndex):
        return _pairs(expansion, key, product, left, right)
    # Only here do single samples enter a collapsed sum; all other terms are linear in it.
    summands = [(_pairs(expansion, i, product, left, right), w) for i, w in expansion.summands(key)]
    return total(weigh(c, w, expansion.over_samples(key)) for c, w in summands if c is not None)


def _pairs(
    expansion: Expansion, index: MultiIndex, product: Bilinear, left: Coefficients, right: Coefficients
) -> TaylorCoefficient | None:
    pairs = [(a, b) for a, b in expansion.truncation.factors[index] if a in left and b in right]
    if left is not right or not product.commutes:
        return total(product.both(left[a], right[b]) for a, b in pairs)
    # A square: each unordered pair once, doubled.
    twice = total(product.both(left[a], left[b]) for a, b in pairs if a < b)
    squares = [product.both(left[a], left[a]) for a, b in pairs if a == b]
    return total([*squares, None if twice is None else scale(twice, 2)])
