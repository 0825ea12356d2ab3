"""Unary operations on sparse coefficients; each returns None where the result would not be sparse."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from ._arithmetic import TaylorCoefficient
from ._sparse import Positions, SparseCoefficient, from_slabs

Axes: TypeAlias = Sequence[Any]  # of ints, which may be NumPy's
ShapeRule: TypeAlias = Callable[..., TaylorCoefficient | None]


def reshape(sparse: SparseCoefficient, shape: Sequence[Any]) -> SparseCoefficient:
    """Any reshape: the positions are those of a flattened axis, and stay."""
    return replace(sparse, shape=tuple(shape))


def broadcast(
    sparse: SparseCoefficient, shape: Sequence[int], broadcast_dimensions: Axes, **_: Any
) -> SparseCoefficient | None:
    """New axes, and axes of length 1 that grow, other than those of the positions."""
    if prod(shape) == prod(sparse.shape):
        return reshape(sparse, shape)
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    first, last = broadcast_dimensions[start], broadcast_dimensions[stop - 1] + 1
    if tuple(shape[first:last]) != sparse.shape[start:stop]:
        return None
    targets = [*broadcast_dimensions[:start], *broadcast_dimensions[stop:]]
    aligned = [1] * (len(shape) - (last - first))
    for axis, length in zip(targets, (*sparse.shape[:start], *sparse.shape[stop:]), strict=True):
        aligned[axis if axis < first else axis - (last - first)] = length
    slabs = sparse.slabs(start, stop).reshape(*sparse.positions.shape, *aligned)
    before, after = shape[:first], shape[last:]
    slabs = jnp.broadcast_to(slabs, (*sparse.positions.shape, *before, *after))
    return from_slabs(slabs, sparse.positions, before, shape[first:last], after)


def transpose(sparse: SparseCoefficient, permutation: Axes) -> SparseCoefficient | None:
    """Permutations that leave the axes of the positions side by side, in any order."""
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    inside = [axis for axis in permutation if start <= axis < stop]
    place = list(permutation).index(inside[0])
    if list(permutation[place : place + len(inside)]) != inside:
        return None
    order = [axis if axis < start else axis - len(inside) for axis in permutation if axis not in inside]
    slabs = jnp.transpose(sparse.slabs(start, stop), (0, 1, *(axis + 2 for axis in order)))
    shape = [sparse.shape[axis] for axis in permutation]
    before, sizes, after = shape[:place], shape[place : place + len(inside)], shape[place + len(inside) :]
    positions = _permuted(sparse.positions, sparse.shape[start:stop], inside)
    return from_slabs(slabs, positions, before, sizes, after)


def _permuted(positions: Positions, sizes: Sequence[int], axes: Axes) -> Positions:
    """The positions after a permutation of the axes, of lengths `sizes`, that they are in."""
    order = [axis - min(axes) for axis in axes]
    if order == sorted(order):
        return positions
    # A position is a number whose digits are the coordinates: take it apart, and put the digits in order.
    strides = np.cumprod([1, *sizes[:0:-1]])[::-1]
    digits = [positions // stride % size for stride, size in zip(strides, sizes, strict=True)]
    moved = positions * 0
    for axis in order:
        moved = moved * sizes[axis] + digits[axis]
    return moved


def reverse(sparse: SparseCoefficient, dimensions: Axes) -> SparseCoefficient | None:
    """Reversals of the axis of the positions, or of other axes."""
    if sparse.axes is None or sparse.axes[1] - sparse.axes[0] != 1:
        return None
    start, stop = sparse.axes
    outside = [axis + 2 if axis < start else axis + 1 for axis in dimensions if axis != start]
    slabs = jnp.flip(sparse.slabs(start, stop), outside) if outside else sparse.slabs(start, stop)
    positions = sparse.size - 1 - sparse.positions if start in dimensions else sparse.positions
    return from_slabs(slabs, positions, sparse.shape[:start], sparse.shape[start:stop], sparse.shape[stop:])


def reduce_sum(sparse: SparseCoefficient, axes: Axes, **_: Any) -> TaylorCoefficient | None:
    """Sums over all axes of the positions, over none of them, or over the last ones."""
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    inside = [axis for axis in axes if start <= axis < stop]
    if inside != list(range(stop - len(inside), stop)):
        return None
    outside = [axis + 2 if axis < start else axis + 2 - (stop - start) for axis in axes if axis not in inside]
    slabs = sparse.slabs(start, stop).sum(tuple(outside))
    kept = sparse.shape[start : stop - len(inside)]
    if not kept:
        return slabs.sum(1)
    before = [n for axis, n in enumerate(sparse.shape[:start]) if axis not in axes]
    after = [n for axis, n in enumerate(sparse.shape) if axis >= stop and axis not in axes]
    positions = sparse.positions // prod(sparse.shape[stop - len(inside) : stop])
    return from_slabs(slabs, positions, before, kept, after)


def slice_(
    sparse: SparseCoefficient, start_indices: Axes, limit_indices: Axes, strides: Axes | None
) -> SparseCoefficient | None:
    """Slices of step 1: the values at positions outside become 0."""
    if sparse.axes is None or (strides is not None and any(step != 1 for step in strides)):
        return None
    start, stop = sparse.axes
    lengths = [limit - first for first, limit in zip(start_indices, limit_indices, strict=True)]
    bounds = [slice(*pair) for pair in zip(start_indices, limit_indices, strict=True)]
    slabs = sparse.slabs(start, stop)[(slice(None), slice(None), *bounds[:start], *bounds[stop:])]
    positions = sparse.positions
    if stop - start == 1:
        shifted = positions - start_indices[start]
        inside = (shifted >= 0) & (shifted < lengths[start])
        positions = shifted.clip(0, max(lengths[start] - 1, 0))
        if not (isinstance(inside, np.ndarray) and inside.all()):
            slabs = jnp.where(inside.reshape(*inside.shape, *[1] * (slabs.ndim - 2)), slabs, 0)
    elif lengths[start:stop] != list(sparse.shape[start:stop]):
        return None
    return from_slabs(slabs, positions, lengths[:start], lengths[start:stop], lengths[stop:])


SHAPE_RULES: dict[str, ShapeRule] = {
    "rev": reverse,
    "broadcast_in_dim": broadcast,
    "transpose": transpose,
    "reduce_sum": reduce_sum,
    "slice": slice_,
}
"""Rules by the name of the primitive, whose parameters they take."""
