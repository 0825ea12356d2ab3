from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._types import Point
from . import _base as terms
from ._base import AbstractFamily, AxisPowers
from ._coefficient import Coefficient, Summand, add_scattered, weigh
from ._tangents import Draw, OneHot, Tangents


class MixedFamily(AbstractFamily):
    """`Σ_j c_j(x) ∂^p u(x)`, listed mixed partials with the powers `p = (p_1, …, p_m)`, m ≠ 1.

    Row j of `table` holds the m distinct axes of term j, in the order of their powers. With m = 0 the
    family is `c(x) u(x)`, the term of order 0.
    """

    powers: tuple[int, ...] = eqx.field(static=True)
    table: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    coefficient: Coefficient = Coefficient()
    isotropic: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def size(self) -> int:
        return len(self.table)

    @property
    def index_set(self) -> Hashable:
        return ("mixed", self.table)

    @property
    def varies(self) -> bool:
        return self.coefficient.varies

    def scaled(self, factor: Any) -> "MixedFamily":
        return MixedFamily(self.powers, self.table, self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        table = np.asarray(self.table, int)
        axes = (
            table[draw.indices] if isinstance(draw.indices, np.ndarray) else jnp.asarray(table)[draw.indices]
        )
        weights = weigh(draw.weights, self.coefficient(x, draw.indices))
        return Tangents(OneHot(axes, key=self.index_set), weights, self.powers)


@terms.kind.register(MixedFamily)
def _(family: MixedFamily) -> Hashable:
    return MixedFamily, family.powers


@terms.add.register(MixedFamily)
def _(first: MixedFamily, others: Sequence[MixedFamily]) -> MixedFamily:
    families = (first, *others)
    rows = tuple(dict.fromkeys(row for family in families for row in family.table))
    coefficient = add_scattered([(family.table, family.coefficient) for family in families], rows)
    return MixedFamily(first.powers, rows, coefficient)


@terms.partials.register(MixedFamily)
def _(family: MixedFamily) -> list[AxisPowers] | None:
    return _partials(family) if family.powers else None  # u itself comes with every pass


@terms.expanded.register(MixedFamily)
def _(family: MixedFamily) -> list[tuple[AxisPowers, Summand]] | None:
    return terms.listed(_partials(family), family.coefficient)


def _partials(family: MixedFamily) -> list[AxisPowers]:
    return [dict(zip(row, family.powers, strict=True)) for row in family.table]


def identity() -> MixedFamily:
    """u itself, the term of order 0."""
    return MixedFamily((), ((),))
