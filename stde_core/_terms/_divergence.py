from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx

from .._types import Point
from . import _base as terms
from ._axes import ResolvedAxes
from ._base import AbstractFamily, IsotropicRepresentation
from ._coefficient import Coefficient, weigh
from ._tangents import Dense, Draw, OneHot, Tangents
from ._vectors import CoordinateVectors


class DivergenceFamily(AbstractFamily):
    """`c(x) Σ_j ∂_{axes[j]} u_j(x)`: each direction is paired with a component of the output.

    Dense tangents: `E v·(Du[v]) = tr Du` for isotropic v, Hutchinson's trace estimator (1990).
    """

    axes: ResolvedAxes = eqx.field(static=True)
    coefficient: Coefficient = Coefficient()
    powers: tuple[int, ...] = eqx.field(static=True, default=(1,))

    @property
    def size(self) -> int:
        return len(self.axes)

    @property
    def output_size(self) -> int:
        return len(self.axes)

    @property
    def index_set(self) -> Hashable:
        return self.axes

    @property
    def isotropic(self) -> IsotropicRepresentation | None:
        return IsotropicRepresentation(self.axes, self.size) if self.size > 1 else None

    @property
    def varies(self) -> bool:
        return self.coefficient.varies

    def scaled(self, factor: Any) -> "DivergenceFamily":
        return DivergenceFamily(self.axes, self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        vectors, weights = CoordinateVectors(self.axes), weigh(draw.weights, self.coefficient(x))
        if draw.noise is not None:
            noise = draw.noise[:, :1].astype(x.dtype)
            directions = vectors.combine(noise, x, key=("isotropic", vectors.key))
            return Tangents(directions, weights, self.powers, covector=Dense(noise))
        assert draw.indices is not None
        component = OneHot(draw.indices[:, None])
        return Tangents(vectors.pick(draw.indices, x), weights, self.powers, covector=component)


@terms.kind.register(DivergenceFamily)
def _(family: DivergenceFamily) -> Hashable:
    return DivergenceFamily, family.axes


@terms.add.register(DivergenceFamily)
def _(first: DivergenceFamily, others: Sequence[DivergenceFamily]) -> DivergenceFamily:
    return DivergenceFamily(first.axes, terms.sum_of_coefficients((first, *others)))
