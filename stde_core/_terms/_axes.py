"""The coordinates that an operator acts on: given without a dimension, resolved once it is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

import numpy as np

from ..checks import as_int, check_count, in_short


@dataclass(frozen=True)
class AxisSlice:
    """A hashable `slice`: operators keep their axes as static fields, which jit hashes."""

    start: int | None
    stop: int | None
    step: int | None

    def __repr__(self) -> str:
        return f"slice({self.start}, {self.stop}, {self.step})"


AxesLike: TypeAlias = SupportsIndex | range | slice | Iterable[SupportsIndex] | None
StaticAxes: TypeAlias = range | AxisSlice | tuple[int, ...] | None
ResolvedAxes: TypeAlias = range | tuple[int, ...]


def static_axes(axes: AxesLike | StaticAxes) -> StaticAxes:
    """`axes` in a hashable form: `None` (all), an int, a range, a slice or ints.

    A range or slice is not listed, since it may have 10⁵ axes. Raises `TypeError` for anything else.
    """
    match axes:
        case None | range() | AxisSlice():
            return axes
        case bool() | str() | bytes():
            pass
        case slice():
            members = (axes.start, axes.stop, axes.step)
            if axes.step == 0:
                raise ValueError(f"`axes` needs a slice whose step is not 0, got {in_short(axes)}.")
            return AxisSlice(*(None if member is None else _as_int(member) for member in members))
        case _ if np.ndim(axes) == 0 and hasattr(axes, "__index__"):  # pyright: ignore[reportArgumentType]
            return (_as_int(axes),)
        case Iterable():
            return _as_range(tuple(_as_int(axis) for axis in axes))
    raise TypeError(f"`axes` must be None, an int, a range, a slice or ints, got {in_short(axes)}.")


def _as_int(axis: object) -> int:
    if isinstance(axis, bool) or not hasattr(axis, "__index__") or np.ndim(axis) > 0:  # pyright: ignore[reportArgumentType]
        raise TypeError(f"`axes` must hold ints, got {in_short(axis)}.")
    return axis.__index__()  # pyright: ignore[reportAttributeAccessIssue]


def resolve_axes(axes: StaticAxes, dim: int) -> ResolvedAxes:
    """The axes as non-negative indices below `dim`, as a range if their steps are equal.

    Raises `ValueError` for axes that do not exist in `dim` dimensions or are named twice.
    """
    check_count("operator.families(dim)", as_int(dim))
    match axes:
        case None:
            return range(dim)
        case AxisSlice():
            resolved = range(*slice(axes.start, axes.stop, axes.step).indices(dim))
        case range() if len(axes) == 0 or min(axes[0], axes[-1]) >= 0:
            resolved = axes
        case range() if max(axes[0], axes[-1]) < 0:
            resolved = range(axes.start + dim, axes.stop + dim, axes.step)
        case _:
            resolved = tuple(axis + dim if axis < 0 else axis for axis in axes)
    if len(resolved) == 0:
        raise ValueError(f"`axes={_shown(axes)}` names no axis in {dim} dimensions; name at least one.")
    if isinstance(resolved, range):
        lowest, highest = sorted((resolved[0], resolved[-1]))
    else:
        lowest, highest = min(resolved), max(resolved)
    if lowest < 0 or highest >= dim:
        raise ValueError(
            f"`axes={_shown(axes)}` do not all exist in {dim} dimensions: name axes from {-dim} to {dim - 1}."
        )
    if isinstance(resolved, tuple) and len(set(resolved)) < len(resolved):
        raise ValueError(f"`axes={_shown(axes)}` names an axis twice in {dim} dimensions.")
    return _as_range(resolved)


def _shown(axes: StaticAxes) -> str:
    """The axes for a message: short lists in full."""
    short = isinstance(axes, range | tuple) and len(axes) <= 8
    return str(list(axes)) if short else repr(axes)  # pyright: ignore[reportArgumentType]


def _as_range(axes: ResolvedAxes) -> ResolvedAxes:
    """The same axes in the same order, as a range if their steps are equal."""
    if isinstance(axes, range):
        return axes
    step = axes[1] - axes[0] if len(axes) > 1 else 1
    if not axes or step == 0:
        return axes
    regular = range(axes[0], axes[0] + step * len(axes), step)
    return regular if tuple(regular) == axes else axes


def sorted_axes(axes: ResolvedAxes) -> ResolvedAxes:
    """The axes in rising order, for operators that do not depend on it: equal sets become equal."""
    if isinstance(axes, range):
        return range(axes[0], axes[-1] + 1, axes.step) if axes.step > 0 else axes[::-1]
    return _as_range(tuple(sorted(axes)))
