"""Taylor coefficients with few nonzero entries: what coordinate directions stay until they are mixed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Inexact, Int

Index: TypeAlias = Int[Array, "n k"] | Int[np.ndarray, "n k"]


@dataclass(frozen=True, eq=False)
class SparseCoefficient:
    """`n` arrays of one shape, each zero except at `k` positions along one (flattened) axis.

    A Taylor coefficient along coordinate directions is stored like this for as long as possible: the
    derivative of `W @ x` along `e_i` is then a column of `W`, not a matrix product.

    Each array is viewed as `[before, size, after]`. Array j is nonzero only at `[:, index[j, i], :]` for
    `i < k`, where it equals `values[j, i]`. Repeated positions add up, so that a sum is a concatenation
    along k.

    - `shape`: of each array, of `before · size · after` entries; a reshape changes nothing else.
    - `index`: integers `[n, k]`; NumPy if known when tracing, so that gathers become slices.
    - `values`: `[n, k, before, after]`.

    Cost: `n·k·before·after` numbers in place of `n·before·size·after`. `dense()` is always correct.
    """

    shape: tuple[int, ...]
    before: int
    size: int
    after: int
    index: Index
    values: Inexact[Array, "n k before after"]

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    def with_values(self, values: Inexact[Array, "n k before after"]) -> "SparseCoefficient":
        return replace(self, values=values)

    def dense(self) -> Inexact[Array, "n ..."]:
        """The arrays written out."""
        samples, places = self.index.shape
        if places <= 4:
            chosen = self.index[:, :, None] == np.arange(self.size)[None, None]
            terms = jnp.where(chosen[:, :, None, :, None], self.values[:, :, :, None, :], 0)
            return terms.sum(1).reshape(samples, *self.shape)
        empty = jnp.zeros((samples, self.before, self.size, self.after), self.dtype)
        rows = np.arange(samples)[:, None]
        return empty.at[rows, :, self.index].add(self.values).reshape(samples, *self.shape)

    def pick(self, array: Array | np.ndarray) -> Inexact[Array, "n k before after"]:
        """The slabs of one array of the same shape, or one that broadcasts to it, at the places."""
        array = jnp.broadcast_to(array, self.shape)
        if self.before == self.after == 1:
            return take(array.reshape(self.size), self.index, 0)[:, :, None, None]
        slabs = take(array.reshape(self.before, self.size, self.after), self.index, 1)
        return jnp.moveaxis(slabs, 0, 2)

    def pick_rows(self, arrays: Inexact[Array, "n ..."]) -> Inexact[Array, "n k before after"]:
        """The same from n arrays, one for each sample."""
        arrays = arrays.reshape(arrays.shape[0], self.before, self.size, self.after)
        picked = jnp.take_along_axis(arrays, jnp.asarray(self.index)[:, None, :, None], axis=2)
        return jnp.moveaxis(picked, 1, 2)

    def same_places(self, other: "SparseCoefficient") -> bool:
        """Whether both are known to be nonzero at the same places, of which there is one each."""
        return self.alike(other) and self.index is other.index and self.index.shape[1] == 1

    def alike(self, other: "SparseCoefficient") -> bool:
        """Whether both are seen as arrays of the same three axes."""
        return (self.before, self.size, self.after) == (other.before, other.size, other.after)

    def at_places_of(self, other: "SparseCoefficient") -> Inexact[Array, "n k before after"]:
        """The own entries at the places of another one."""
        if self.same_places(other):
            return self.values
        meets = other.index[:, :, None] == self.index[:, None, :]
        return jnp.einsum("njk,nkba->njba", jnp.asarray(meets, self.dtype), self.values)

    def together(self) -> "SparseCoefficient | Array":
        """The sum over the samples, as one sample; dense where that has many nonzero entries."""
        places = self.index.size
        summed = replace(
            self,
            index=self.index.reshape(1, places),
            values=self.values.reshape(1, places, self.before, self.after),
        )
        return summed if 2 * places < self.size else summed.dense()

    @property
    def axes(self) -> tuple[int, int] | None:
        """The narrowest range of axes of `shape` that the places are in; None if there is none."""
        for start in reversed(range(len(self.shape))):
            for stop in range(start + 1, len(self.shape) + 1):
                sizes = (prod(self.shape[:start]), prod(self.shape[start:stop]))
                if sizes == (self.before, self.size):
                    return start, stop
        return None

    def slabs(self, start: int, stop: int) -> Inexact[Array, "n k ..."]:
        """The values with the axes of `shape` outside of `start:stop`."""
        return self.values.reshape(*self.index.shape, *self.shape[:start], *self.shape[stop:])


jax.tree_util.register_dataclass(
    SparseCoefficient, data_fields=["index", "values"], meta_fields=["shape", "before", "size", "after"]
)


def one_hot(index: Index, values: Inexact[Array, "n k"], size: int) -> SparseCoefficient:
    """`n` vectors of `size` entries with `values` at `index`."""
    return SparseCoefficient((size,), 1, size, 1, index, values[:, :, None, None])


def from_slabs(
    slabs: Inexact[Array, "n k ..."],
    index: Index,
    before: Sequence[Any],
    size: Sequence[Any],
    after: Sequence[Any],
) -> SparseCoefficient:
    """The inverse of `slabs`: places in axes of sizes `size` between those of `before` and `after`."""
    outer, inner = prod(before), prod(after)
    values = slabs.reshape(*index.shape, outer, inner)
    return SparseCoefficient((*before, *size, *after), outer, prod(size), inner, index, values)


def take(array: Array | np.ndarray, index: Index, axis: int) -> Array:
    """`array[…, index, …]` with indices known to be in bounds; a slice where that is known to do."""
    array = jnp.asarray(array)
    if isinstance(index, np.ndarray):
        flat = index.ravel()
        if np.array_equal(flat, np.arange(flat[0], flat[0] + flat.size)):
            part = jax.lax.slice_in_dim(array, flat[0], flat[0] + flat.size, axis=axis)
            return part.reshape(*array.shape[:axis], *index.shape, *array.shape[axis + 1 :])
    place = (*[slice(None)] * axis, index)
    return array.at[place].get(mode="promise_in_bounds")
