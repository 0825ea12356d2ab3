from collections.abc import Hashable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from .._coefficient import Coefficient, align
from .._tangents import AbstractDirections, Dense, Draw, Tangents
from .._types import Point
from ._family import AbstractFamily
from ._frame import AbstractFrame


class LinearFamily(AbstractFamily):
    """`Σ_j c_j(x) D u(x)[a_j]`, every first-order term at once: one direction, never sampled.

    A first derivative is linear in its direction, so the terms of all frames add up to the single
    tangent `Σ_j c_j(x) a_j`. Only where coefficients differ between the components of the output
    do terms keep directions of their own.
    """

    parts: tuple[tuple[AbstractFrame, Coefficient], ...]
    powers: tuple[int, ...] = eqx.field(static=True, default=(1,))
    size: int = eqx.field(static=True, default=1)
    law: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def index_set(self) -> Hashable:
        if self._is_partial():
            return self.parts[0][0].key
        return ("linear", *(frame.key for frame, _ in self.parts))

    @property
    def varies(self) -> bool:
        return any(frame.varies or coefficient.varies for frame, coefficient in self.parts)

    def scaled(self, factor: Any) -> "LinearFamily":
        return LinearFamily(tuple((frame, c.times(factor)) for frame, c in self.parts))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        if self._is_partial():
            ((frame, coefficient),) = self.parts
            return Tangents(frame.pick(draw.indices, x), coefficient(x), self.powers)
        folded = jnp.zeros((1, 1, x.shape[0]), x.dtype)
        others = []
        for frame, coefficient in self.parts:
            values = coefficient(x)
            if values.ndim == 1 and values.dtype == x.dtype:
                row = jnp.broadcast_to(values, frame.size)[None, None]
                folded = folded + frame.combine(row, x).dense(x.shape[0], x.dtype)
            else:
                everything = frame.pick(jnp.arange(frame.size), x)
                others.append((everything, _rows(values, frame.size)))
        return _join(Dense(folded), others, x)

    def _is_partial(self) -> bool:
        return len(self.parts) == 1 and self.parts[0][0].size == 1


def _rows(values: Inexact[Array, "n ..."], size: int) -> Inexact[Array, "size ..."]:
    return jnp.broadcast_to(values, (size, *values.shape[1:]))


def _join(folded: Dense, others: list[tuple[AbstractDirections, Array]], x: Point) -> Tangents:
    """The folded direction with weight 1, followed by the terms that could not be folded."""
    vectors = [folded.vectors, *(d.dense(x.shape[0], x.dtype) for d, _ in others)]
    weights = align([jnp.ones(1, x.dtype), *(weights for _, weights in others)])
    out = jnp.broadcast_shapes(*(weight.shape[1:] for weight in weights))
    rows = [jnp.broadcast_to(weight, (weight.shape[0], *out)) for weight in weights]
    return Tangents(Dense(jnp.concatenate(vectors)), jnp.concatenate(rows), (1,))
