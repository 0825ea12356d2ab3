import equinox as eqx

from .._axes import resolve_axes
from .._checks import check_count
from .._coefficient import Coefficient
from .._families import AbstractFamily, LinearFamily
from .._families._frame import AxisFrame
from .._operator import AbstractOperator


class Partial(AbstractOperator):
    """`∂_axis`, the partial derivative along one coordinate; negative axes count from the end."""

    axis: int = eqx.field(static=True)

    def __check_init__(self):
        if isinstance(self.axis, bool) or not isinstance(self.axis, int):
            raise TypeError(f"`stde.partial(axis)` needs an int, got {self.axis!r}.")

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        axes = resolve_axes((self.axis,), dim)
        return (LinearFamily(((AxisFrame(axes), Coefficient()),)),)


def partial(axis: int) -> Partial:
    """`∂_axis`; build polynomials from it: `partial(0)**3 * partial(1) + 2 * partial(-1)`."""
    return Partial(axis)


def partials(dim: int) -> tuple[Partial, ...]:
    """`(∂_0, …, ∂_{dim−1})`."""
    check_count("stde.partials(dim)", dim)
    return tuple(Partial(axis) for axis in range(dim))
