import equinox as eqx

from .._terms import AbstractFamily, BiharmonicFamily
from .._terms._axes import StaticAxes, resolve_axes, sorted_axes, static_axes
from ._base import AbstractOperator


class Biharmonic(AbstractOperator):
    """`Δ² = Σ_ij ∂_i²∂_j²` over `axes` (all by default): N² terms, or Gaussian 4-jets."""

    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return (BiharmonicFamily(sorted_axes(resolve_axes(self.axes, dim))),)
