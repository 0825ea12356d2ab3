from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._types import Point
from . import _base as terms
from ._base import AbstractFamily, AxisPowers
from ._coefficient import Coefficient, Summand, align
from ._tangents import Dense, Draw, Tangents
from ._vectors import AbstractVectors, CoordinateVectors, add_on_axes


class LinearFamily(AbstractFamily):
    """`Σ_j c_j(x) D u(x)[a_j]`, all first-order terms in one direction, never sampled.

    A first derivative is linear in its direction, so all terms add up to the single tangent
    `Σ_j c_j(x) a_j`. A coefficient that is complex, or differs between the components of the output,
    cannot be part of a real tangent: its terms keep a direction for themselves.
    """

    parts: tuple[tuple[AbstractVectors, Coefficient], ...]
    powers: tuple[int, ...] = eqx.field(static=True, default=(1,))
    size: int = eqx.field(static=True, default=1)
    isotropic: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def index_set(self) -> Hashable:
        if self._is_partial():
            return self.parts[0][0].space
        return ("linear", *(vectors.space for vectors, _ in self.parts))

    @property
    def varies(self) -> bool:
        return any(vectors.varies or coefficient.varies for vectors, coefficient in self.parts)

    def scaled(self, factor: Any) -> "LinearFamily":
        return LinearFamily(tuple((vectors, c.times(factor)) for vectors, c in self.parts))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        if self._is_partial():
            ((vectors, coefficient),) = self.parts
            return Tangents(vectors.pick(np.zeros(1, int), x), coefficient(x), self.powers)
        # Real scalar coefficients are folded into one direction; all others stay weights.
        folded, rows = [], []
        for vectors, coefficient in self.parts:
            for summand in coefficient.summands:
                scale, entries = summand.scale(x), summand.per_term(x)
                coordinates = jnp.ones(vectors.size) if entries is None else entries
                vector = vectors.combine(coordinates[None, None], x).dense(x.shape[0], x.dtype)
                if scale.ndim == 0 and scale.dtype == x.dtype:
                    folded.append(scale * vector)
                else:
                    rows.append((vector, scale[None]))
        if folded:
            rows.append((sum(folded), jnp.ones(1, x.dtype)))
        directions, weights = zip(*rows, strict=True)
        weights = align(weights)
        out = jnp.broadcast_shapes(*(weight.shape[1:] for weight in weights))
        weights = [jnp.broadcast_to(weight, (1, *out)) for weight in weights]
        return Tangents(Dense(jnp.concatenate(directions)), jnp.concatenate(weights), self.powers)

    def split(self) -> tuple["LinearFamily", ...]:
        """The same terms as families that have one coefficient and one kind of vectors each."""
        parts = [(vectors, Coefficient((summand,))) for vectors, c in self.parts for summand in c.summands]
        return tuple(LinearFamily((part,)) for part in parts)

    def _is_partial(self) -> bool:
        return len(self.parts) == 1 and self.parts[0][0].size == 1


@terms.kind.register(LinearFamily)
def _(family: LinearFamily) -> Hashable:
    return LinearFamily


@terms.add.register(LinearFamily)
def _(first: LinearFamily, others: Sequence[LinearFamily]) -> LinearFamily:
    parts = [part for family in (first, *others) for part in family.parts]
    on_axes = [part for part in parts if isinstance(part[0], CoordinateVectors)]
    columns = [part for part in parts if not isinstance(part[0], CoordinateVectors)]
    return LinearFamily((*([add_on_axes(on_axes)] if on_axes else []), *columns))


@terms.partials.register(LinearFamily)
def _(family: LinearFamily) -> list[AxisPowers] | None:
    (vectors, _), *more = family.parts
    # Several directions are one tangent, which is cheaper than their partials.
    if more or vectors.size > 1 or not isinstance(vectors, CoordinateVectors):
        return None
    return [{axis: 1} for axis in vectors.axes]


@terms.expanded.register(LinearFamily)
def _(family: LinearFamily) -> list[tuple[AxisPowers, Summand]] | None:
    terms_of_parts: list[tuple[AxisPowers, Summand]] = []
    for vectors, coefficient in family.parts:
        axes = vectors.axes if isinstance(vectors, CoordinateVectors) else ()
        rows = terms.listed([{axis: 1} for axis in axes], coefficient)
        if not axes or rows is None:
            return None
        terms_of_parts += rows
    return terms_of_parts
