from collections.abc import Hashable
from typing import Any

import equinox as eqx

from .._axes import ResolvedAxes
from .._coefficient import Coefficient, weigh
from .._tangents import Draw, Tangents
from .._types import Point
from ._family import AbstractFamily, DenseLaw
from ._frame import AxisFrame
from ._power import PowerFamily
from ._product import ProductFamily


class BiharmonicFamily(AbstractFamily):
    """`c(x) Σ_ij ∂_i²∂_j² u(x)`, N² terms.

    Dense law: `E D⁴u[v⁴] = 3 Δ²u` for Gaussian v (dense STDE), by fourth moments.
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
    def law(self) -> DenseLaw | None:
        return DenseLaw(self.axes, len(self.axes), moment=4) if len(self.axes) > 1 else None

    @property
    def varies(self) -> bool:
        return self.coefficient.varies

    def scaled(self, factor: Any) -> "BiharmonicFamily":
        return BiharmonicFamily(self.axes, self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        frame, coefficient = AxisFrame(self.axes), self.coefficient(x)
        if draw.noise is not None:
            assert draw.fourth_moment is not None
            directions = frame.combine(draw.noise[:, :1], x, key=("isotropic", frame.key))
            weights = draw.weights / (3 * draw.fourth_moment)
            return Tangents(directions, weigh(weights, coefficient), (4,))
        pairs = ProductFamily(PowerFamily(2, frame), PowerFamily(2, frame)).tangents(draw, x)
        return Tangents(pairs.directions, weigh(draw.weights, coefficient), self.powers)
