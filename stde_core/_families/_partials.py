"""Families seen in other ways: as lists of partial derivatives, and as products of two families."""

from typing import TypeAlias

from ._biharmonic import BiharmonicFamily
from ._family import AbstractFamily
from ._frame import AxisFrame
from ._linear import LinearFamily
from ._mixed import MixedFamily
from ._power import PowerFamily
from ._product import ProductFamily

Partial: TypeAlias = dict[int, int]
"""A partial derivative: the power of each axis that takes part."""


def partials_of(family: AbstractFamily, most: int) -> list[Partial] | None:
    """The terms of a family one by one; None where they are no partial derivatives or more than `most`."""
    if family.size > most or family.output_size is not None:
        return None
    match family:
        case PowerFamily(frame=AxisFrame(axes=axes)):
            return [{axis: family.order} for axis in axes]
        case LinearFamily(parts=((AxisFrame(axes=axes), _),)) if len(axes) == 1:
            return [{axes[0]: 1}]
        case MixedFamily():
            return [dict(zip(row, family.powers, strict=True)) for row in family.table]
        case ProductFamily() | BiharmonicFamily():
            left, right = (partials_of(factor, most) for factor in factors_of(family) or ())
            return None if left is None or right is None else [_multiply(a, b) for a in left for b in right]
        case _:
            return None


def _multiply(left: Partial, right: Partial) -> Partial:
    return {axis: left.get(axis, 0) + right.get(axis, 0) for axis in {**left, **right}}


def factors_of(family: AbstractFamily) -> tuple[AbstractFamily, AbstractFamily] | None:
    """Two families whose composition, the second first, is the family; None where none are known."""
    match family:
        case ProductFamily(left=left, right=right) if family.output_size is None:
            return left, right
        case BiharmonicFamily(axes=axes, coefficient=coefficient):
            frame = AxisFrame(axes)
            return PowerFamily(2, frame, coefficient), PowerFamily(2, frame)
        case _:
            return None
