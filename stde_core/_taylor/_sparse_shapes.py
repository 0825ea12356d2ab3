"""Unary shape operations that keep one-hot coefficients one-hot; each returns None where it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from ._arithmetic import Coefficient
from ._sparse import Index, SparseCoefficient, from_slabs

Axes: TypeAlias = Sequence[Any]  # of ints, which may be NumPy's
ShapeRule: TypeAlias = Callable[..., Coefficient | None]


def reshape(sparse: SparseCoefficient, shape: Sequence[Any]) -> SparseCoefficient:
    """Any reshape: the places do not move."""
    return replace(sparse, shape=tuple(shape))


def broadcast(
    sparse: SparseCoefficient, shape: Sequence[int], broadcast_dimensions: Axes, **_: Any
) -> SparseCoefficient | None:
    """New axes, and axes of length 1 that grow, other than those of the places."""
    if prod(shape) == prod(sparse.shape):
        return reshape(sparse, shape)
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    first, last = broadcast_dimensions[start], broadcast_dimensions[stop - 1] + 1
    if tuple(shape[first:last]) != sparse.shape[start:stop]:
        return None
    others = [*broadcast_dimensions[:start], *broadcast_dimensions[stop:]]
    aligned = [1] * (len(shape) - (last - first))
    for axis, length in zip(others, (*sparse.shape[:start], *sparse.shape[stop:]), strict=True):
        aligned[axis if axis < first else axis - (last - first)] = length
    slabs = sparse.slabs(start, stop).reshape(*sparse.index.shape, *aligned)
    before, after = shape[:first], shape[last:]
    slabs = jnp.broadcast_to(slabs, (*sparse.index.shape, *before, *after))
    return from_slabs(slabs, sparse.index, before, shape[first:last], after)


def transpose(sparse: SparseCoefficient, permutation: Axes) -> SparseCoefficient | None:
    """Permutations that leave the axes of the places side by side, in any order."""
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
    return from_slabs(slabs, _permuted(sparse.index, sparse.shape[start:stop], inside), before, sizes, after)


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


def reverse(sparse: SparseCoefficient, dimensions: Axes) -> SparseCoefficient | None:
    """Reversals of the axis of the places, or of others."""
    if sparse.axes is None or sparse.axes[1] - sparse.axes[0] != 1:
        return None
    start, stop = sparse.axes
    others = [axis + 2 if axis < start else axis + 1 for axis in dimensions if axis != start]
    slabs = jnp.flip(sparse.slabs(start, stop), others) if others else sparse.slabs(start, stop)
    index = sparse.size - 1 - sparse.index if start in dimensions else sparse.index
    return from_slabs(slabs, index, sparse.shape[:start], sparse.shape[start:stop], sparse.shape[stop:])


def reduce_sum(sparse: SparseCoefficient, axes: Axes, **_: Any) -> Coefficient | None:
    """Sums over all axes of the places, over none of them, or over the last ones."""
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    inside = [axis for axis in axes if start <= axis < stop]
    slabs = sparse.slabs(start, stop)
    others = tuple(
        axis + 2 if axis < start else axis + 2 - (stop - start) for axis in axes if axis not in inside
    )
    slabs = slabs.sum(others)
    before = [n for axis, n in enumerate(sparse.shape[:start]) if axis not in axes]
    after = [n for axis, n in enumerate(sparse.shape) if axis >= stop and axis not in axes]
    kept = sparse.shape[start : stop - len(inside)]
    if inside != list(range(stop - len(inside), stop)):
        return None
    if not kept:
        return slabs.sum(1)
    index = sparse.index // prod(sparse.shape[stop - len(inside) : stop])
    return from_slabs(slabs, index, before, kept, after)


def slice_(
    sparse: SparseCoefficient, start_indices: Axes, limit_indices: Axes, strides: Axes | None
) -> SparseCoefficient | None:
    """Slices of step 1: places outside of them lose their values."""
    if sparse.axes is None or (strides is not None and any(step != 1 for step in strides)):
        return None
    start, stop = sparse.axes
    lengths = [limit - first for first, limit in zip(start_indices, limit_indices, strict=True)]
    if stop - start != 1:
        if lengths[start:stop] != list(sparse.shape[start:stop]):
            return None
        shifted, inside = sparse.index, None
    else:
        shifted = sparse.index - start_indices[start]
        inside = (shifted >= 0) & (shifted < lengths[start])
        shifted = shifted.clip(0, max(lengths[start] - 1, 0))
        if isinstance(inside, np.ndarray) and inside.all():
            inside = None
    bounds = [slice(*pair) for pair in zip(start_indices, limit_indices, strict=True)]
    slabs = sparse.slabs(start, stop)[(slice(None), slice(None), *bounds[:start], *bounds[stop:])]
    if inside is not None:
        slabs = jnp.where(inside.reshape(*inside.shape, *[1] * (slabs.ndim - 2)), slabs, 0)
    return from_slabs(slabs, shifted, lengths[:start], lengths[start:stop], lengths[stop:])


def _same_shape(sparse: SparseCoefficient, **_: Any) -> SparseCoefficient:
    return sparse


def _negative(sparse: SparseCoefficient) -> SparseCoefficient:
    return sparse.with_values(-sparse.values)


def _convert(sparse: SparseCoefficient, new_dtype: Any, **_: Any) -> SparseCoefficient:
    return sparse.with_values(sparse.values.astype(new_dtype))


def _reshape(
    sparse: SparseCoefficient, new_sizes: Axes, dimensions: Any, **_: Any
) -> SparseCoefficient | None:
    return reshape(sparse, new_sizes) if dimensions is None else None


def _squeeze(sparse: SparseCoefficient, dimensions: Axes) -> SparseCoefficient:
    return reshape(sparse, tuple(n for axis, n in enumerate(sparse.shape) if axis not in dimensions))


def _expand(sparse: SparseCoefficient, dimensions: Axes) -> SparseCoefficient:
    shape = list(sparse.shape)
    for axis in sorted(dimensions):
        shape.insert(axis, 1)
    return reshape(sparse, tuple(shape))


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
