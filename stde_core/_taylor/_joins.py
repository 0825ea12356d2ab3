"""Joining and splitting of sparse coefficients; each returns None where the result would not be sparse."""

from collections.abc import Mapping, Sequence
from typing import SupportsIndex

import jax.numpy as jnp
import numpy as np

from ._arithmetic import TaylorCoefficient
from ._sparse import SparseCoefficient, from_slabs
from ._sparse_shapes import reshape, slice_

# A dense part of at most so many entries joins sparse ones, as more positions; a longer one makes the result
# dense. On two CPU cores a step with |x|² appended to x is 1.1 (100 dimensions) to 1.8 times (1000) faster
# for it; at 8 entries the gain ends, and 32 would make the step 2 to 4 times slower.
_MAX_JOINED = 8

Parts = list[TaylorCoefficient | None]
Shape = tuple[int, ...]


def concatenate(parts: Parts, shapes: list[Shape], dimension: SupportsIndex) -> SparseCoefficient | None:
    """Parts of which one at least is sparse, along the axis of the positions or another one.

    None is a part that is zero.
    """
    dimension = dimension.__index__()
    axes = {part.axes for part in parts if isinstance(part, SparseCoefficient)}
    if len(axes) != 1 or (of_positions := axes.pop()) is None:
        return None
    if of_positions == (dimension, dimension + 1):
        return _end_to_end(parts, shapes, dimension)
    return None if dimension in range(*of_positions) else _side_by_side(parts, shapes, dimension)


def _first_sparse(parts: Parts) -> SparseCoefficient:
    return next(part for part in parts if isinstance(part, SparseCoefficient))


def _end_to_end(parts: Parts, shapes: list[Shape], dimension: int) -> SparseCoefficient | None:
    """Along the axis of the positions, which move by the lengths of the parts before."""
    first = _first_sparse(parts)
    positions, values, offset = [], [], 0
    for part, shape in zip(parts, shapes, strict=True):
        length = shape[dimension]
        if isinstance(part, SparseCoefficient):
            positions.append(part.positions + offset)
            values.append(part.values)
        elif part is not None:
            if length > _MAX_JOINED:
                return None
            positions.append(np.tile(np.arange(offset, offset + length), (part.shape[0], 1)))
            flat = part.reshape(part.shape[0], first.before, length, first.after)
            values.append(jnp.moveaxis(flat, 2, 1))
        offset += length
    shape = list(shapes[0])
    shape[dimension] = offset
    values = jnp.concatenate(values, axis=1)
    # One array of positions stays NumPy if it is.
    positions = positions[0] if len(positions) == 1 else jnp.concatenate(positions, axis=1)
    return SparseCoefficient(tuple(shape), first.before, offset, first.after, positions, values)


def _side_by_side(parts: Parts, shapes: list[Shape], dimension: int) -> SparseCoefficient | None:
    """Along another axis, for parts that are nonzero at the same positions."""
    first = _first_sparse(parts)
    nonzero = [part for part in parts if part is not None]
    if any(not isinstance(c, SparseCoefficient) or c.positions is not first.positions for c in nonzero):
        return None
    assert first.axes is not None
    start, stop = first.axes
    slabs = [
        part.slabs(start, stop)
        if isinstance(part, SparseCoefficient)
        else jnp.zeros((*first.positions.shape, *shape[:start], *shape[stop:]), first.dtype)
        for part, shape in zip(parts, shapes, strict=True)
    ]
    joined = jnp.concatenate(slabs, 2 + (dimension if dimension < start else dimension - (stop - start)))
    shape = list(first.shape)
    shape[dimension] = sum(s[dimension] for s in shapes)
    return from_slabs(joined, first.positions, shape[:start], shape[start:stop], shape[stop:])


def stack(parts: Parts, shape: Shape, axis: SupportsIndex) -> SparseCoefficient | None:
    """Parts of one shape along a new axis."""
    axis = axis.__index__()
    widened = (*shape[:axis], 1, *shape[axis:])
    parts = [reshape(part, widened) if isinstance(part, SparseCoefficient) else part for part in parts]
    return concatenate(parts, [widened] * len(parts), axis)


def split(
    sparse: SparseCoefficient, sizes: Sequence[int], axis: int
) -> Mapping[int, TaylorCoefficient] | None:
    """The parts along an axis."""
    parts: dict[int, TaylorCoefficient] = {}
    offset = 0
    for i, size in enumerate(sizes):
        starts, limits = [0] * len(sparse.shape), list(sparse.shape)
        starts[axis], limits[axis] = offset, offset + size
        part = slice_(sparse, tuple(starts), tuple(limits), None)
        if part is None:
            return None
        parts[i] = part
        offset += size
    return parts


def unstack(sparse: SparseCoefficient, axis: int) -> Mapping[int, TaylorCoefficient] | None:
    """The slices along an axis, which they lose."""
    parts = split(sparse, [1] * sparse.shape[axis], axis)
    if parts is None:
        return None
    shape = (*sparse.shape[:axis], *sparse.shape[axis + 1 :])
    return {i: reshape(part, shape) for i, part in parts.items() if isinstance(part, SparseCoefficient)}
