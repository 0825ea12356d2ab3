import equinox as eqx

from .._terms import AbstractFamily, DivergenceFamily
from .._terms._axes import StaticAxes, resolve_axes, static_axes
from ._base import AbstractOperator


class Divergence(AbstractOperator):
    """`Σ_j ∂u_j/∂x_{axes[j]}` (all axes by default) of a model with output `[len(axes)]`.

    Dense tangents make it Hutchinson's trace estimator (1990) of the Jacobian.
    """

    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return (DivergenceFamily(resolve_axes(self.axes, dim)),)
