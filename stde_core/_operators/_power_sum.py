import equinox as eqx

from .._terms import AbstractFamily, LinearFamily, PowerFamily
from .._terms._axes import StaticAxes, resolve_axes, sorted_axes, static_axes
from .._terms._coefficient import Coefficient
from .._terms._vectors import CoordinateVectors
from ..checks import as_int, check_count
from ._base import AbstractOperator


class PowerSum(AbstractOperator):
    """`Σ_i ∂_i^k` over `axes` (all by default), k ≥ 1."""

    order: int = eqx.field(static=True, converter=as_int)
    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def __check_init__(self):
        check_count("PowerSum(order)", self.order)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        vectors = CoordinateVectors(sorted_axes(resolve_axes(self.axes, dim)))
        if self.order == 1:
            return (LinearFamily(((vectors, Coefficient()),)),)
        return (PowerFamily(self.order, vectors),)
