"""`dot_general` on Taylor coefficients: one product for all samples, picked columns for sparse ones."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax.extend.core.primitives import dot_general_p
from jaxtyping import Array, Inexact

from ._arithmetic import TaylorCoefficient, dense
from ._polynomial import Bilinear, Constant
from ._sparse import Positions, SparseCoefficient, from_slabs, take
from ._sparse_shapes import transpose

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Dot:
    """A contraction of two arrays over pairs of axes; pairs of batch axes come first in the result."""

    left: Axes
    right: Axes
    left_batch: Axes
    right_batch: Axes
    params: dict[str, Any]
    """The parameters of the primitive, except that the four fields above replace its dimension numbers."""

    @property
    def swapped(self) -> "Dot":
        precision = self.params["precision"]
        exchanged = precision[::-1] if isinstance(precision, tuple) else precision
        sides = (self.right, self.left, self.right_batch, self.left_batch)
        return Dot(*sides, self.params | {"precision": exchanged})

    def __call__(self, left: Constant, right: Constant) -> Array:
        return self._contract(left, right, (self.left, self.right), (self.left_batch, self.right_batch))

    def first(self, left: Inexact[Array, "n ..."], right: Constant) -> Inexact[Array, "n ..."]:
        """The product for each sample of the left operand."""
        # One sample, such as a collapsed sum: XLA copies arrays with axes of length 1. Without this branch
        # the step of a fourth-order operator in 3 dimensions takes 1.5 times as long on two CPU cores; one
        # with many samples takes as long as with it.
        if left.shape[0] == 1:
            return self(left[0], right)[None]
        contracted = (_after_samples(self.left), self.right)
        batch = (_after_samples(self.left_batch), self.right_batch)
        return jnp.moveaxis(self._contract(left, right, contracted, batch), len(self.left_batch), 0)

    def both(self, left: Inexact[Array, "n ..."], right: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
        """The product for each pair of samples."""
        contracted = (_after_samples(self.left), _after_samples(self.right))
        batch = ((0, *_after_samples(self.left_batch)), (0, *_after_samples(self.right_batch)))
        return self._contract(left, right, contracted, batch)

    def _contract(self, left: Constant, right: Constant, contracted: Any, batch: Any) -> Array:
        return dot_general_p.bind(left, right, **self.params | {"dimension_numbers": (contracted, batch)})


def _after_samples(axes: Axes) -> Axes:
    return tuple(axis + 1 for axis in axes)


def bilinear(params: dict[str, Any], left_rank: int, right_rank: int) -> Bilinear:
    """The product of a `dot_general` equation."""
    (left, right), (left_batch, right_batch) = params["dimension_numbers"]
    dot = Dot(left, right, left_batch, right_batch, params)
    batch = len(left_batch)
    left_free = left_rank - len(left) - batch
    right_free = right_rank - len(right) - batch

    def constants(l: Constant, r: Constant) -> Array:  # noqa: E741
        # A matrix times a vector goes as vector times matrix, so that under vmap the points lead.
        return dot.swapped(r, l) if right_free == 0 else dot(l, r)

    def right_samples(l: Constant, c: TaylorCoefficient) -> TaylorCoefficient:  # noqa: E741
        return _exchange(_first(dot.swapped, c, l), batch, right_free, left_free)

    return Bilinear(constants, lambda c, r: _first(dot, c, r), right_samples, lambda a, b: _both(dot, a, b))


def _exchange(c: TaylorCoefficient, batch: int, first: int, second: int) -> TaylorCoefficient:
    """`[n, *batch, *first, *second]` as `[n, *batch, *second, *first]`, by numbers of axes."""
    if not first or not second:
        return c
    axes = tuple(range(batch + first + second))
    order = (*axes[:batch], *axes[batch + first :], *axes[batch : batch + first])
    moved = transpose(c, order) if isinstance(c, SparseCoefficient) else None
    return jnp.transpose(dense(c), (0, *(axis + 1 for axis in order))) if moved is None else moved


def _first(dot: Dot, c: TaylorCoefficient, right: Constant) -> TaylorCoefficient:
    if not isinstance(c, SparseCoefficient):
        return dot.first(c, right)
    columns = None if dot.left_batch else _columns(dot, c, right)
    return dot.first(c.dense(), right) if columns is None else columns


def _both(dot: Dot, a: TaylorCoefficient, b: TaylorCoefficient) -> TaylorCoefficient:
    # An inner product of two arrays, as in `x @ x`, needs only the entries at the positions.
    if isinstance(a, SparseCoefficient) and dot.left == dot.right == tuple(range(len(a.shape))):
        if isinstance(b, SparseCoefficient) and a.alike(b):
            factors = b.at_positions_of(a)
        else:
            factors = a.pick_rows(dense(b))
        return (a.values * factors).sum((1, 2, 3))
    return dot.both(dense(a), dense(b))


def _columns(dot: Dot, sparse: SparseCoefficient, matrix: Constant) -> TaylorCoefficient | None:
    """A contraction of sparse arrays by picking columns; None where the contracted axes do not allow it."""
    if len(dot.left) == len(sparse.shape):
        return _all_contracted(dot, sparse, matrix)
    if sparse.axes is None:
        return None
    start, stop = sparse.axes
    free = [n for axis, n in enumerate(matrix.shape) if axis not in dot.right]
    if all(axis < start or axis >= stop for axis in dot.left):
        return _beside_positions(dot, sparse, matrix, free)
    if dot.left == (stop - 1,) and stop - start > 1:
        # Blocks of coordinates, `[blocks, length] @ [length, h]`: the result is sparse along the blocks.
        length = sparse.shape[stop - 1]
        picked = _pick_columns(matrix, sparse.positions % length, dot.right[0])
        slabs = sparse.slabs(start, stop)
        slabs = slabs.reshape(*slabs.shape, *[1] * len(free)) * _insert(picked, 2, slabs.ndim - 2)
        before, sizes = sparse.shape[:start], sparse.shape[start : stop - 1]
        return from_slabs(slabs, sparse.positions // length, before, sizes, (*sparse.shape[stop:], *free))
    return None


def _all_contracted(dot: Dot, sparse: SparseCoefficient, matrix: Constant) -> Array:
    """A contraction over all axes: the columns at the positions, times the values."""
    if sparse.before == sparse.after == 1 and len(dot.right) == 1:
        picked = _pick_columns(matrix, sparse.positions, dot.right[0])
        return (_insert(sparse.values[:, :, 0, 0], 2, picked.ndim - 2) * picked).sum(1)
    contracted = [dot.right[dot.left.index(axis)] for axis in range(len(sparse.shape))]
    free = [axis for axis in range(matrix.ndim) if axis not in contracted]
    rows = jnp.transpose(matrix, (*contracted, *free)).reshape(sparse.before, sparse.size, sparse.after, -1)
    slabs = jnp.einsum(
        "nkba,bnkar->nr", sparse.values, take(rows, sparse.positions, 1), precision=dot.params["precision"]
    )
    return slabs.reshape(-1, *(matrix.shape[axis] for axis in free))


def _beside_positions(
    dot: Dot, sparse: SparseCoefficient, matrix: Constant, free: list[int]
) -> SparseCoefficient:
    """A contraction over other axes than those of the positions: the same one of the values."""
    start, stop = sparse.axes or (0, 0)
    axes = tuple(axis + 2 if axis < start else axis + 2 - (stop - start) for axis in dot.left)
    slabs = dot._contract(sparse.slabs(start, stop), matrix, (axes, dot.right), ((), ()))
    before = [n for axis, n in enumerate(sparse.shape[:start]) if axis not in dot.left]
    after = [n for axis, n in enumerate(sparse.shape) if axis >= stop and axis not in dot.left]
    return from_slabs(slabs, sparse.positions, before, sparse.shape[start:stop], (*after, *free))


def _pick_columns(matrix: Constant, positions: Positions, axis: int) -> Inexact[Array, "n k ..."]:
    return jnp.moveaxis(take(matrix, positions, axis), (axis, axis + 1), (0, 1))


def _insert(array: Array, place: int, number: int) -> Array:
    """The array with axes of length 1 from `place` on."""
    return array.reshape(*array.shape[:place], *[1] * number, *array.shape[place:])
