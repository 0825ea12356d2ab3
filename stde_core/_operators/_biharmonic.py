import equinox as eqx

from .._terms import AbstractFamily, BiharmonicFamily
from .._terms._axes import StaticAxes, resolve_axes, sorted_axes, static_axes
from ._base import AbstractOperator


class Biharmonic(AbstractOperator):
    """`Δ² = Σ_ij ∂_i²∂_j²` over `axes` (all by default): N² terms, or fourth derivatives along noise.

    The latter are dense STDE (Shi et al., NeurIPS 2024, arXiv:2412.00088); Dangel et al. (NeurIPS 2025,
    arXiv:2505.13644), Eq. (9), state both forms.
    """

    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return (BiharmonicFamily(sorted_axes(resolve_axes(self.axes, dim))),)
