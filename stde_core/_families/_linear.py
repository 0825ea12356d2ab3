from collections.abc import Hashable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._coefficient import Coefficient, align
from .._tangents import Dense, Draw, Tangents
from .._types import Point
from ._family import AbstractFamily
from ._frame import AbstractFrame


class LinearFamily(AbstractFamily):
    """`Σ_j c_j(x) D u(x)[a_j]`, every first-order term at once: one direction, never sampled.

    A first derivative is linear in its direction, so the terms of all frames add up to the single
    tangent `Σ_j c_j(x) a_j`. Only coefficients that are complex, or differ between the components
    of the output, keep directions of their own.
    """

    parts: tuple[tuple[AbstractFrame, Coefficient], ...]
    powers: tuple[int, ...] = eqx.field(static=True, default=(1,))
    size: int = eqx.field(static=True, default=1)
    law: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def index_set(self) -> Hashable:
        if self._is_partial():
            return self.parts[0][0].space
        return ("linear", *(frame.space for frame, _ in self.parts))

    @property
    def varies(self) -> bool:
        return any(frame.varies or coefficient.varies for frame, coefficient in self.parts)

    def scaled(self, factor: Any) -> "LinearFamily":
        return LinearFamily(tuple((frame, c.times(factor)) for frame, c in self.parts))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        if self._is_partial():
            ((frame, coefficient),) = self.parts
            return Tangents(frame.pick(np.zeros(1, int), x), coefficient(x), self.powers)
        folded, rows = [], []
        for frame, coefficient in self.parts:
            for summand in coefficient.summands:
                scale, entries = summand.scale(x), summand.per_term(x)
                coordinates = jnp.ones(frame.size) if entries is None else entries
                vector = frame.combine(coordinates[None, None], x).dense(x.shape[0], x.dtype)
                if scale.ndim == 0 and scale.dtype == x.dtype:
                    folded.append(scale * vector)
                else:
                    rows.append((vector, scale[None]))
        if folded:
            rows.append((sum(folded), jnp.ones(1, x.dtype)))
        vectors, weights = zip(*rows, strict=True)
        weights = align(weights)
        out = jnp.broadcast_shapes(*(weight.shape[1:] for weight in weights))
        weights = [jnp.broadcast_to(weight, (1, *out)) for weight in weights]
        return Tangents(Dense(jnp.concatenate(vectors)), jnp.concatenate(weights), self.powers)

    def split(self) -> tuple["LinearFamily", ...]:
        """The same terms as families of a single direction each, whatever their coefficients."""
        parts = [(frame, Coefficient((summand,))) for frame, c in self.parts for summand in c.summands]
        return tuple(LinearFamily((part,)) for part in parts)

    def _is_partial(self) -> bool:
        return len(self.parts) == 1 and self.parts[0][0].size == 1
