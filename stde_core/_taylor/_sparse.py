"""Taylor coefficients with few nonzero entries, as coordinate directions have until a layer mixes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Inexact, Int

Positions: TypeAlias = Int[Array, "n k"] | Int[np.ndarray, "n k"]


@dataclass(frozen=True, eq=False)
class SparseCoefficient:
    """`n` arrays of one shape, each zero except at `k` positions along one (flattened) axis.

    A Taylor coefficient along coordinate directions is stored like this for as long as possible: the
    derivative of `W @ x` along `e_i` is then a column of `W`, not a matrix product.

    Each array is viewed as `[before, size, after]`. Array j is nonzero only at `[:, positions[j, i], :]`
    for `i < k`, where it equals `values[j, i]`. Repeated positions add up, so that addition is
    concatenation along k.

    - `shape`: of each array; `prod(shape) == before · size · after`. A reshape changes nothing else.
    - `positions`: integers `[n, k]` in `[0, size)`; NumPy if known at trace time.
    - `values`: `[n, k, before, after]`.

    Cost: `n·k·before·after` numbers in place of `n·before·size·after`. `dense()` is always correct.
    """

    shape: tuple[int, ...]
    before: int
    size: int
    after: int
    positions: Positions
    values: Inexact[Array, "n k before after"]

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    def with_values(self, values: Inexact[Array, "n k before after"]) -> "SparseCoefficient":
        return replace(self, values=values)

    def dense(self) -> Inexact[Array, "n ..."]:
        """The arrays written out."""
        # A scatter. On two CPU cores, comparing all positions instead takes as long for k = 1, and 2 to 10
        # times as long for k = 2; in a step of a network the difference is too small to measure.
        samples = self.positions.shape[0]
        empty = jnp.zeros((samples, self.before, self.size, self.after), self.dtype)
        rows = np.arange(samples)[:, None]
        return empty.at[rows, :, self.positions].add(self.values).reshape(samples, *self.shape)

    def pick(self, array: Array | np.ndarray) -> Inexact[Array, "n k before after"]:
        """The entries of one array at the positions; the array broadcasts to `shape`."""
        array = jnp.broadcast_to(array, self.shape)
        if self.before == self.after == 1:
            return take(array.reshape(self.size), self.positions, 0)[:, :, None, None]
        slabs = take(array.reshape(self.before, self.size, self.after), self.positions, 1)
        return jnp.moveaxis(slabs, 0, 2)

    def pick_rows(self, arrays: Inexact[Array, "n ..."]) -> Inexact[Array, "n k before after"]:
        """The same from n arrays, one for each sample."""
        arrays = arrays.reshape(arrays.shape[0], self.before, self.size, self.after)
        picked = jnp.take_along_axis(arrays, jnp.asarray(self.positions)[:, None, :, None], axis=2)
        return jnp.moveaxis(picked, 1, 2)

    def same_positions(self, other: "SparseCoefficient") -> bool:
        """Whether both have one position per sample, known to be the same."""
        # Identity, since positions may be tracers. All coefficients of one direction hold one array.
        return self.alike(other) and self.positions is other.positions and self.positions.shape[1] == 1

    def alike(self, other: "SparseCoefficient") -> bool:
        """Whether both are viewed as arrays of the same three axes."""
        return (self.before, self.size, self.after) == (other.before, other.size, other.after)

    def at_positions_of(self, other: "SparseCoefficient") -> Inexact[Array, "n k before after"]:
        """The entries at the positions of another one."""
        if self.same_positions(other):
            return self.values
        equal = other.positions[:, :, None] == self.positions[:, None, :]
        return jnp.einsum("njk,nkba->njba", jnp.asarray(equal, self.dtype), self.values)

    def together(self) -> "SparseCoefficient | Array":
        """The sum over the samples, as one sample; dense where that has many nonzero entries."""
        count = self.positions.size
        summed = replace(
            self,
            positions=self.positions.reshape(1, count),
            values=self.values.reshape(1, count, self.before, self.after),
        )
        # On two CPU cores, a step of 16 samples in 10,000 dimensions takes 1.4 times as long with sums that
        # are always dense, in 30,000 1.6 times; with all 1,000 coordinates, 1.3 times with sparse ones.
        return summed if 2 * count < self.size else summed.dense()

    @property
    def axes(self) -> tuple[int, int] | None:
        """The narrowest range of axes of `shape` that `size` is the product of; None if there is none."""
        for start in reversed(range(len(self.shape))):
            for stop in range(start + 1, len(self.shape) + 1):
                sizes = (prod(self.shape[:start]), prod(self.shape[start:stop]))
                if sizes == (self.before, self.size):
                    return start, stop
        return None

    def slabs(self, start: int, stop: int) -> Inexact[Array, "n k ..."]:
        """The values, with the axes of `shape` outside of `start:stop`."""
        return self.values.reshape(*self.positions.shape, *self.shape[:start], *self.shape[stop:])


jax.tree_util.register_dataclass(
    SparseCoefficient,
    data_fields=["positions", "values"],
    meta_fields=["shape", "before", "size", "after"],
)


def one_hot(positions: Positions, values: Inexact[Array, "n k"], size: int) -> SparseCoefficient:
    """`n` vectors of `size` entries with `values` at `positions`."""
    return SparseCoefficient((size,), 1, size, 1, positions, values[:, :, None, None])


def from_slabs(
    slabs: Inexact[Array, "n k ..."],
    positions: Positions,
    before: Sequence[Any],
    size: Sequence[Any],
    after: Sequence[Any],
) -> SparseCoefficient:
    """The inverse of `slabs`: positions in axes of lengths `size`, between axes `before` and `after`."""
    outer, inner = prod(before), prod(after)
    values = slabs.reshape(*positions.shape, outer, inner)
    return SparseCoefficient((*before, *size, *after), outer, prod(size), inner, positions, values)


def take(array: Array | np.ndarray, positions: Positions, axis: int) -> Array:
    """`array[…, positions, …]`, for positions in bounds; consecutive ones known at trace time as a slice."""
    array = jnp.asarray(array)
    # Whole families take all columns in order. A slice halves the cost of a first layer of 1000 inputs; the
    # time of a deep network does not change (measured on two CPU cores).
    if isinstance(positions, np.ndarray):
        flat = positions.ravel()
        if np.array_equal(flat, np.arange(flat[0], flat[0] + flat.size)):
            part = jax.lax.slice_in_dim(array, flat[0], flat[0] + flat.size, axis=axis)
            return part.reshape(*array.shape[:axis], *positions.shape, *array.shape[axis + 1 :])
    return array.at[(*[slice(None)] * axis, positions)].get(mode="promise_in_bounds")
