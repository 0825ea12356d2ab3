"""Joining and splitting of one-hot coefficients; each returns None where they do not stay one-hot."""

from collections.abc import Mapping, Sequence
from typing import SupportsIndex

import jax.numpy as jnp
import numpy as np

from ._coefficients import Coefficient
from ._hot import Hot, from_slabs
from ._structure import reshape, slice_

# A dense part of so many entries may join one-hot ones in a concatenation.
_FEW = 8


def concatenate(
    parts: list[Coefficient | None], shapes: list[tuple[int, ...]], dimension: SupportsIndex
) -> Hot | None:
    """One-hot parts, with absent and short dense ones, end to end along the axis of the places."""
    dimension = dimension.__index__()
    hots = [part for part in parts if isinstance(part, Hot)]
    if not hots or any(hot.axes != (dimension, dimension + 1) for hot in hots):
        return None
    index, values, offset = [], [], 0
    for part, shape in zip(parts, shapes, strict=True):
        length = shape[dimension]
        if isinstance(part, Hot):
            index.append(part.index + offset)
            values.append(part.values)
        elif part is not None:
            if length > _FEW:
                return None
            index.append(np.tile(np.arange(offset, offset + length), (part.shape[0], 1)))
            flat = part.reshape(part.shape[0], hots[0].before, length, hots[0].after)
            values.append(jnp.moveaxis(flat, 2, 1))
        offset += length
    shape = list(shapes[0])
    shape[dimension] = offset
    values = jnp.concatenate(values, axis=1)
    index = index[0] if len(index) == 1 else jnp.concatenate(index, axis=1)
    return Hot(tuple(shape), hots[0].before, offset, hots[0].after, index, values)


def stack(parts: list[Coefficient | None], axis: SupportsIndex) -> Hot | None:
    """One-hot parts with the same places, and absent ones, side by side."""
    hots = [part for part in parts if part is not None]
    first = hots[0]
    if not isinstance(first, Hot) or first.axes is None:
        return None
    if not all(
        isinstance(hot, Hot) and hot.shape == first.shape and hot.index is first.index for hot in hots
    ):
        return None
    (start, stop), axis = first.axes, axis.__index__()
    if start < axis < stop:
        return None
    empty = jnp.zeros_like(first.slabs(start, stop))
    slabs = [part.slabs(start, stop) if isinstance(part, Hot) else empty for part in parts]
    shape = [*first.shape[:axis], len(parts), *first.shape[axis:]]
    start, stop = (start + 1, stop + 1) if axis <= start else (start, stop)
    stacked = jnp.stack(slabs, axis + 2 if axis < start else axis + 2 - (stop - start))
    return from_slabs(stacked, first.index, shape[:start], shape[start:stop], shape[stop:])


def split(hot: Hot, sizes: Sequence[int], axis: int) -> Mapping[int, Coefficient] | None:
    """The parts along an axis."""
    parts: dict[int, Coefficient] = {}
    offset = 0
    for i, size in enumerate(sizes):
        starts, limits = [0] * len(hot.shape), list(hot.shape)
        starts[axis], limits[axis] = offset, offset + size
        part = slice_(hot, tuple(starts), tuple(limits), None)
        if part is None:
            return None
        parts[i] = part
        offset += size
    return parts


def unstack(hot: Hot, axis: int) -> Mapping[int, Coefficient] | None:
    """The slices along an axis, which they lose."""
    parts = split(hot, [1] * hot.shape[axis], axis)
    shape = (*hot.shape[:axis], *hot.shape[axis + 1 :])
    if parts is None:
        return None
    return {i: reshape(part, shape) for i, part in parts.items() if isinstance(part, Hot)}
