"""Joining and splitting of one-hot coefficients; each returns None where they do not stay one-hot."""

from collections.abc import Mapping, Sequence
from typing import SupportsIndex

import jax.numpy as jnp
import numpy as np

from ._arithmetic import Coefficient
from ._sparse import SparseCoefficient, from_slabs
from ._sparse_shapes import reshape, slice_

# A dense part of so many entries may join one-hot ones in a concatenation.
_FEW = 8


def concatenate(
    parts: list[Coefficient | None], shapes: list[tuple[int, ...]], dimension: SupportsIndex
) -> SparseCoefficient | None:
    """One-sparse parts, with absent and short dense ones, along an axis: that of the places or another."""
    dimension, sparse_parts = (
        dimension.__index__(),
        [part for part in parts if isinstance(part, SparseCoefficient)],
    )
    axes = {sparse.axes for sparse in sparse_parts}
    if len(axes) != 1 or (places := axes.pop()) is None:
        return None
    if places == (dimension, dimension + 1):
        return _end_to_end(parts, shapes, dimension)
    return None if dimension in range(*places) else _side_by_side(parts, shapes, dimension)


def _end_to_end(
    parts: list[Coefficient | None], shapes: list[tuple[int, ...]], dimension: int
) -> SparseCoefficient | None:
    first = next(part for part in parts if isinstance(part, SparseCoefficient))
    index, values, offset = [], [], 0
    for part, shape in zip(parts, shapes, strict=True):
        length = shape[dimension]
        if isinstance(part, SparseCoefficient):
            index.append(part.index + offset)
            values.append(part.values)
        elif part is not None:
            if length > _FEW:
                return None
            index.append(np.tile(np.arange(offset, offset + length), (part.shape[0], 1)))
            flat = part.reshape(part.shape[0], first.before, length, first.after)
            values.append(jnp.moveaxis(flat, 2, 1))
        offset += length
    shape = list(shapes[0])
    shape[dimension] = offset
    values = jnp.concatenate(values, axis=1)
    index = index[0] if len(index) == 1 else jnp.concatenate(index, axis=1)
    return SparseCoefficient(tuple(shape), first.before, offset, first.after, index, values)


def _side_by_side(
    parts: list[Coefficient | None], shapes: list[tuple[int, ...]], dimension: int
) -> SparseCoefficient | None:
    """Parts that are nonzero at the same places."""
    first = next(part for part in parts if isinstance(part, SparseCoefficient))
    if any(
        not isinstance(c, SparseCoefficient) or c.index is not first.index for c in parts if c is not None
    ):
        return None
    assert first.axes is not None
    start, stop = first.axes
    slabs = [
        part.slabs(start, stop)
        if isinstance(part, SparseCoefficient)
        else jnp.zeros((*first.index.shape, *shape[:start], *shape[stop:]), first.dtype)
        for part, shape in zip(parts, shapes, strict=True)
    ]
    joined = jnp.concatenate(slabs, 2 + (dimension if dimension < start else dimension - (stop - start)))
    shape = list(first.shape)
    shape[dimension] = sum(s[dimension] for s in shapes)
    return from_slabs(joined, first.index, shape[:start], shape[start:stop], shape[stop:])


def stack(
    parts: list[Coefficient | None], shape: tuple[int, ...], axis: SupportsIndex
) -> SparseCoefficient | None:
    """Parts of one shape along a new axis."""
    axis = axis.__index__()
    widened = (*shape[:axis], 1, *shape[axis:])
    parts = [reshape(part, widened) if isinstance(part, SparseCoefficient) else part for part in parts]
    return concatenate(parts, [widened] * len(parts), axis)


def split(sparse: SparseCoefficient, sizes: Sequence[int], axis: int) -> Mapping[int, Coefficient] | None:
    """The parts along an axis."""
    parts: dict[int, Coefficient] = {}
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


def unstack(sparse: SparseCoefficient, axis: int) -> Mapping[int, Coefficient] | None:
    """The slices along an axis, which they lose."""
    parts = split(sparse, [1] * sparse.shape[axis], axis)
    shape = (*sparse.shape[:axis], *sparse.shape[axis + 1 :])
    if parts is None:
        return None
    return {i: reshape(part, shape) for i, part in parts.items() if isinstance(part, SparseCoefficient)}
