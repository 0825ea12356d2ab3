"""Unary shape operations that keep one-hot coefficients one-hot; each returns None where it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from ._coefficients import Coefficient
from ._hot import Hot, Index, from_slabs

Axes: TypeAlias = Sequence[Any]  # of ints, which may be NumPy's
ShapeRule: TypeAlias = Callable[..., Coefficient | None]


def reshape(hot: Hot, shape: Sequence[Any]) -> Hot:
    """Any reshape: the places do not move."""
    return replace(hot, shape=tuple(shape))


def broadcast(hot: Hot, shape: Sequence[int], broadcast_dimensions: Axes, **_: Any) -> Hot | None:
    """New axes, and axes of length 1 that grow, other than those of the places."""
    if prod(shape) == prod(hot.shape):
        return reshape(hot, shape)
    if hot.axes is None:
        return None
    start, stop = hot.axes
    first, last = broadcast_dimensions[start], broadcast_dimensions[stop - 1] + 1
    if tuple(shape[first:last]) != hot.shape[start:stop]:
        return None
    others = [*broadcast_dimensions[:start], *broadcast_dimensions[stop:]]
    aligned = [1] * (len(shape) - (last - first))
    for axis, length in zip(others, (*hot.shape[:start], *hot.shape[stop:]), strict=True):
        aligned[axis if axis < first else axis - (last - first)] = length
    slabs = hot.slabs(start, stop).reshape(*hot.index.shape, *aligned)
    before, after = shape[:first], shape[last:]
    slabs = jnp.broadcast_to(slabs, (*hot.index.shape, *before, *after))
    return from_slabs(slabs, hot.index, before, shape[first:last], after)


def transpose(hot: Hot, permutation: Axes) -> Hot | None:
    """Permutations that leave the axes of the places side by side, in any order."""
    if hot.axes is None:
        return None
    start, stop = hot.axes
    inside = [axis for axis in permutation if start <= axis < stop]
    place = list(permutation).index(inside[0])
    if list(permutation[place : place + len(inside)]) != inside:
        return None
    order = [axis if axis < start else axis - len(inside) for axis in permutation if axis not in inside]
    slabs = jnp.transpose(hot.slabs(start, stop), (0, 1, *(axis + 2 for axis in order)))
    shape = [hot.shape[axis] for axis in permutation]
    before, sizes, after = shape[:place], shape[place : place + len(inside)], shape[place + len(inside) :]
    return from_slabs(slabs, _permuted(hot.index, hot.shape[start:stop], inside), before, sizes, after)


def _permuted(index: Index, sizes: Sequence[int], axes: Axes) -> Index:
    """The places after their axes, of lengths `sizes`, are put in the order `axes`."""
    order = [axis - min(axes) for axis in axes]
    if order == sorted(order):
        return index
    strides = np.cumprod([1, *sizes[:0:-1]])[::-1]
    digits = [index // stride % size for stride, size in zip(strides, sizes, strict=True)]
    moved = index * 0
    for axis in order:
        moved = moved * sizes[axis] + digits[axis]
    return moved


def reverse(hot: Hot, dimensions: Axes) -> Hot | None:
    """Reversals of the axis of the places, or of others."""
    if hot.axes is None or hot.axes[1] - hot.axes[0] != 1:
        return None
    start, stop = hot.axes
    others = [axis + 2 if axis < start else axis + 1 for axis in dimensions if axis != start]
    slabs = jnp.flip(hot.slabs(start, stop), others) if others else hot.slabs(start, stop)
    index = hot.size - 1 - hot.index if start in dimensions else hot.index
    return from_slabs(slabs, index, hot.shape[:start], hot.shape[start:stop], hot.shape[stop:])


def reduce_sum(hot: Hot, axes: Axes, **_: Any) -> Coefficient | None:
    """Sums over all axes of the places, over none of them, or over the last ones."""
    if hot.axes is None:
        return None
    start, stop = hot.axes
    inside = [axis for axis in axes if start <= axis < stop]
    slabs = hot.slabs(start, stop)
    others = tuple(
        axis + 2 if axis < start else axis + 2 - (stop - start) for axis in axes if axis not in inside
    )
    slabs = slabs.sum(others)
    before = [n for axis, n in enumerate(hot.shape[:start]) if axis not in axes]
    after = [n for axis, n in enumerate(hot.shape) if axis >= stop and axis not in axes]
    kept = hot.shape[start : stop - len(inside)]
    if inside != list(range(stop - len(inside), stop)):
        return None
    if not kept:
        return slabs.sum(1)
    index = hot.index // prod(hot.shape[stop - len(inside) : stop])
    return from_slabs(slabs, index, before, kept, after)


def slice_(hot: Hot, start_indices: Axes, limit_indices: Axes, strides: Axes | None) -> Hot | None:
    """Slices of step 1: places outside of them lose their values."""
    if hot.axes is None or (strides is not None and any(step != 1 for step in strides)):
        return None
    start, stop = hot.axes
    lengths = [limit - first for first, limit in zip(start_indices, limit_indices, strict=True)]
    if stop - start != 1:
        if lengths[start:stop] != list(hot.shape[start:stop]):
            return None
        shifted, inside = hot.index, None
    else:
        shifted = hot.index - start_indices[start]
        inside = (shifted >= 0) & (shifted < lengths[start])
        shifted = shifted.clip(0, max(lengths[start] - 1, 0))
        if isinstance(inside, np.ndarray) and inside.all():
            inside = None
    bounds = [slice(*pair) for pair in zip(start_indices, limit_indices, strict=True)]
    slabs = hot.slabs(start, stop)[(slice(None), slice(None), *bounds[:start], *bounds[stop:])]
    if inside is not None:
        slabs = jnp.where(inside.reshape(*inside.shape, *[1] * (slabs.ndim - 2)), slabs, 0)
    return from_slabs(slabs, shifted, lengths[:start], lengths[start:stop], lengths[stop:])


def _same_shape(hot: Hot, **_: Any) -> Hot:
    return hot


def _negative(hot: Hot) -> Hot:
    return hot.with_values(-hot.values)


def _convert(hot: Hot, new_dtype: Any, **_: Any) -> Hot:
    return hot.with_values(hot.values.astype(new_dtype))


def _reshape(hot: Hot, new_sizes: Axes, dimensions: Any, **_: Any) -> Hot | None:
    return reshape(hot, new_sizes) if dimensions is None else None


def _squeeze(hot: Hot, dimensions: Axes) -> Hot:
    return reshape(hot, tuple(n for axis, n in enumerate(hot.shape) if axis not in dimensions))


def _expand(hot: Hot, dimensions: Axes) -> Hot:
    shape = list(hot.shape)
    for axis in sorted(dimensions):
        shape.insert(axis, 1)
    return reshape(hot, tuple(shape))


SHAPE_RULES: dict[str, ShapeRule] = {
    "neg": _negative,
    "rev": reverse,
    "convert_element_type": _convert,
    "copy": _same_shape,
    "copy_p": _same_shape,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "expand_dims": _expand,
    "broadcast_in_dim": broadcast,
    "transpose": transpose,
    "reduce_sum": reduce_sum,
    "slice": slice_,
}
"""Unary operations on one-hot coefficients, by the name of their primitive."""
