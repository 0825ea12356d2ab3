"""Arithmetic on single Taylor coefficients, dense `[n, *shape]` or sparse."""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from ._sparse import SparseCoefficient

TaylorCoefficient: TypeAlias = Inexact[Array, "_ ..."] | SparseCoefficient


def dense(c: TaylorCoefficient) -> Inexact[Array, "_ ..."]:
    """The coefficient written out."""
    return c.dense() if isinstance(c, SparseCoefficient) else c


def add(a: TaylorCoefficient, b: TaylorCoefficient) -> TaylorCoefficient:
    if not (isinstance(a, SparseCoefficient) and isinstance(b, SparseCoefficient) and a.alike(b)):
        return dense(a) + dense(b)
    if a.same_positions(b):
        return a.with_values(a.values + b.values)
    # Repeated positions add up, so the sum needs no search for common ones.
    positions = jnp.concatenate([a.positions, b.positions], axis=1)
    return replace(a, positions=positions, values=jnp.concatenate([a.values, b.values], axis=1))


def total(terms: Iterable[TaylorCoefficient | None]) -> TaylorCoefficient | None:
    """The sum of coefficients; None is a symbolic zero."""
    nonzero = [term for term in terms if term is not None]
    return reduce(add, nonzero) if nonzero else None


def scale(c: TaylorCoefficient, factor: Array | np.ndarray | int | float) -> TaylorCoefficient:
    """Each sample times one array of the same shape, or a number."""
    if isinstance(factor, int | float) or factor.ndim == 0:
        return c.with_values(c.values * factor) if isinstance(c, SparseCoefficient) else c * factor
    return c.with_values(c.values * c.pick(factor)) if isinstance(c, SparseCoefficient) else c * factor[None]


def times(a: TaylorCoefficient, b: TaylorCoefficient) -> TaylorCoefficient:
    """Sample by sample, entry by entry."""
    match a, b:
        case SparseCoefficient(), SparseCoefficient() if a.alike(b):
            return a.with_values(a.values * b.at_positions_of(a))
        case SparseCoefficient(), _:
            return a.with_values(a.values * a.pick_rows(dense(b)))
        case _, SparseCoefficient():
            return b.with_values(b.values * b.pick_rows(dense(a)))
        case _:
            return a * b


def weigh(c: TaylorCoefficient, weights: Float[Array, " _"], collapsed: bool) -> TaylorCoefficient:
    """The samples times their weights; summed to a single sample if `collapsed`."""
    weighted = _weighted(c, weights)
    if not collapsed:
        return weighted
    return weighted.together() if isinstance(weighted, SparseCoefficient) else weighted.sum(0, keepdims=True)


def _weighted(c: TaylorCoefficient, weights: Float[Array, " _"]) -> TaylorCoefficient:
    values = c.values if isinstance(c, SparseCoefficient) else c
    weights = weights.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return c.with_values(values * weights) if isinstance(c, SparseCoefficient) else c * weights


def over(c: TaylorCoefficient, divisor: Array | np.ndarray) -> TaylorCoefficient:
    """Each sample divided by one array of the same shape, or a number."""
    if isinstance(c, SparseCoefficient):
        return c.with_values(c.values / (divisor if divisor.ndim == 0 else c.pick(divisor)))
    return c / (divisor if divisor.ndim == 0 else divisor[None])
