from typing import Any, SupportsIndex

import equinox as eqx

from .._terms import AbstractFamily, LinearFamily
from .._terms._axes import resolve_axes
from .._terms._coefficient import Coefficient
from .._terms._vectors import CoordinateVectors
from ..checks import as_int, check_count, in_short
from ._base import AbstractOperator


class Partial(AbstractOperator):
    """`∂_axis`, the partial derivative along one coordinate; negative axes count from the end."""

    axis: int = eqx.field(static=True, converter=lambda axis: _as_axis(axis))

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        axes = resolve_axes((self.axis,), dim)
        return (LinearFamily(((CoordinateVectors(axes), Coefficient()),)),)


def partial(axis: SupportsIndex) -> Partial:
    """`∂_axis`; build polynomials from it: `partial(0)**3 * partial(1) + 2 * partial(-1)`."""
    return Partial(_as_axis(axis))


def _as_axis(axis: Any) -> int:
    number = as_int(axis)
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"`stde.partial(axis)` needs an int, got {in_short(axis)}.")
    return number


def partials(dim: SupportsIndex) -> tuple[Partial, ...]:
    """`(∂_0, …, ∂_{dim−1})`."""
    count = as_int(dim)
    check_count("stde.partials(dim)", count)
    return tuple(Partial(axis) for axis in range(count))
