from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx

from .._types import Point
from . import _base as terms
from ._axes import ResolvedAxes
from ._base import AbstractFamily, IsotropicRepresentation
from ._coefficient import Coefficient, weigh
from ._power import PowerFamily
from ._product import ProductFamily, partials_of_factors
from ._tangents import Draw, Tangents
from ._vectors import CoordinateVectors


class BiharmonicFamily(AbstractFamily):
    """`c(x) Σ_ij ∂_i²∂_j² u(x)`, N² terms.

    A dense tangent is one isotropic vector, with `E D⁴u[v⁴] = 3 Δ²u` for Gaussian v: dense STDE (Shi et
    al., NeurIPS 2024), and Dangel et al. (NeurIPS 2025, arXiv:2505.13644), Eq. (9). It needs one direction
    where `Laplacian() * Laplacian()` needs two, and a sampler with an isotropic fourth moment.
    """

    axes: ResolvedAxes = eqx.field(static=True)
    coefficient: Coefficient = Coefficient()
    powers: tuple[int, ...] = eqx.field(static=True, default=(2, 2))
    output_size: None = eqx.field(static=True, default=None)

    @property
    def size(self) -> int:
        return len(self.axes) ** 2

    @property
    def index_set(self) -> Hashable:
        return ("pairs", self.axes)

    @property
    def isotropic(self) -> IsotropicRepresentation | None:
        return IsotropicRepresentation(self.axes, len(self.axes), moment=4) if len(self.axes) > 1 else None

    @property
    def varies(self) -> bool:
        return self.coefficient.varies

    def scaled(self, factor: Any) -> "BiharmonicFamily":
        return BiharmonicFamily(self.axes, self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        if draw.noise is None:
            left, right = _laplacians(self)
            return ProductFamily(left, right).tangents(draw, x)
        assert draw.fourth_moment is not None
        vectors = CoordinateVectors(self.axes)
        directions = vectors.combine(draw.noise[:, :1], x, key=("isotropic", vectors.key))
        weights = draw.weights / (3 * draw.fourth_moment)
        return Tangents(directions, weigh(weights, self.coefficient(x)), (4,))


@terms.kind.register(BiharmonicFamily)
def _(family: BiharmonicFamily) -> Hashable:
    return BiharmonicFamily, family.axes


@terms.add.register(BiharmonicFamily)
def _(first: BiharmonicFamily, others: Sequence[BiharmonicFamily]) -> BiharmonicFamily:
    return BiharmonicFamily(first.axes, terms.sum_of_coefficients((first, *others)))


def _laplacians(family: BiharmonicFamily) -> tuple[PowerFamily, PowerFamily]:
    vectors = CoordinateVectors(family.axes)
    return PowerFamily(2, vectors, family.coefficient), PowerFamily(2, vectors)


terms.factors.register(BiharmonicFamily)(_laplacians)
terms.partials.register(BiharmonicFamily)(partials_of_factors)
