"""The vectors `a_1 … a_N` along which a family differentiates."""

import itertools
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import Point
from ._axes import ResolvedAxes, resolve_axes
from ._coefficient import Coefficient, CoefficientFunction, add_coefficients, add_scattered, evaluate
from ._tangents import AbstractDirections, Dense, Indices, OneHot


class AbstractVectors(eqx.Module):
    """`size` vectors of R^dim: indices pick some of them, coordinates combine all.

    - `space`: vectors of equal spaces may share draws. It consists of sizes and axes only, never of the
      identity of an array, so a random key gives the same draw with and without jit.
    - `key`: equal keys mean equal vectors, whose tangents share a pass. This may use identity, since it
      changes the cost and not the values.
    - `varies`: whether the vectors are a function of x.
    """

    size: eqx.AbstractVar[int]
    space: eqx.AbstractVar[Hashable]
    key: eqx.AbstractVar[Hashable]
    varies: eqx.AbstractVar[bool]

    @abstractmethod
    def pick(self, indices: Indices, x: Point) -> AbstractDirections:
        """`a_j` for each index, `m = 1`."""

    @abstractmethod
    def combine(
        self, coordinates: Float[Array, "n m size"], x: Point, key: Hashable = None
    ) -> AbstractDirections:
        """`Σ_j c_j a_j` for each row of coordinates."""


class CoordinateVectors(AbstractVectors):
    """Coordinate vectors along `axes`."""

    axes: ResolvedAxes = eqx.field(static=True)
    varies: bool = eqx.field(static=True, default=False)

    @property
    def size(self) -> int:
        return len(self.axes)

    @property
    def space(self) -> Hashable:
        return self.axes

    @property
    def key(self) -> Hashable:
        return self.axes

    def pick(self, indices: Indices, x: Point) -> AbstractDirections:
        return OneHot(self.positions(indices)[:, None], key=("axes", self.axes))

    def positions(self, indices: Indices) -> Indices:
        """The axis of each term."""
        if isinstance(self.axes, range):
            return self.axes.start + self.axes.step * indices
        axes = np.asarray(self.axes)
        return axes[indices] if isinstance(indices, np.ndarray) else jnp.asarray(axes)[indices]

    def combine(
        self, coordinates: Float[Array, "n m size"], x: Point, key: Hashable = None
    ) -> AbstractDirections:
        coordinates = coordinates.astype(x.dtype)
        if self.axes == range(x.shape[0]):
            return Dense(vectors=coordinates, key=key)
        zeros = jnp.zeros((*coordinates.shape[:2], x.shape[0]), x.dtype)
        vectors = zeros.at[:, :, np.asarray(self.axes)].set(coordinates)
        return Dense(vectors=vectors, key=key)


class ColumnVectors(AbstractVectors):
    """The columns of matrices, each `[len(axes), r]` or `[len(axes)]`, or a function of x, on its axes."""

    matrices: tuple[Any, ...]
    widths: tuple[int, ...] = eqx.field(static=True)
    axes: tuple[ResolvedAxes, ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        return sum(self.widths)

    @property
    def space(self) -> Hashable:
        return ("columns", self.widths, self.axes)

    @property
    def key(self) -> Hashable:
        return ("columns", tuple(map(id, self.matrices)), self.axes)

    @property
    def varies(self) -> bool:
        return any(isinstance(matrix, CoefficientFunction) for matrix in self.matrices)

    def columns(self, x: Point) -> Float[Array, "dim size"]:
        return jnp.concatenate(
            [_embed(evaluate(m, x), axes, x) for m, axes in zip(self.matrices, self.axes, strict=True)],
            axis=1,
        )

    def pick(self, indices: Indices, x: Point) -> AbstractDirections:
        return Dense(self.columns(x).T[indices][:, None], key=self.key)

    def combine(
        self, coordinates: Float[Array, "n m size"], x: Point, key: Hashable = None
    ) -> AbstractDirections:
        return Dense(vectors=coordinates.astype(x.dtype) @ self.columns(x).T, key=key)


def _embed(matrix: Array, axes: ResolvedAxes, x: Point) -> Float[Array, "dim width"]:
    """A matrix on some axes as one on all axes, with zeros elsewhere."""
    matrix = jnp.asarray(matrix)
    if jnp.iscomplexobj(matrix):
        raise TypeError(
            "`Directional(v)` and `WeightedLaplacian(sigma)` need real directions, got "
            f"{matrix.dtype}; make the complex number a coefficient: `1j * operator`."
        )
    matrix = matrix.astype(x.dtype).reshape(len(axes), -1)
    if axes == range(x.shape[0]):
        return matrix
    return jnp.zeros((x.shape[0], matrix.shape[1]), x.dtype).at[np.asarray(axes)].set(matrix)


Parts: TypeAlias = Sequence[tuple[Any, Coefficient]]
"""Vectors of one class, each with the coefficients of its terms."""


def add_on_axes(parts: Parts) -> tuple[CoordinateVectors, Coefficient]:
    """The sum of terms along coordinates, with one term for each coordinate."""
    axes = parts[0][0].axes
    if all(vectors.axes == axes for vectors, _ in parts):
        return CoordinateVectors(axes), add_coefficients([(None, c) for _, c in parts], len(axes))
    union = np.unique(np.concatenate([np.asarray(vectors.axes) for vectors, _ in parts])).tolist()
    axes = resolve_axes(tuple(union), union[-1] + 1)
    return CoordinateVectors(axes), add_scattered([(vectors.axes, c) for vectors, c in parts], union)


def add_columns(parts: Parts) -> tuple[ColumnVectors, Coefficient]:
    """The sum of terms along columns: the columns of all parts, one part after the other."""
    each = [vectors for vectors, _ in parts]
    joined = ColumnVectors(
        tuple(matrix for vectors in each for matrix in vectors.matrices),
        tuple(width for vectors in each for width in vectors.widths),
        tuple(axes for vectors in each for axes in vectors.axes),
    )
    stops = itertools.accumulate(vectors.size for vectors in each)
    columns = [(range(stop - v.size, stop), c) for stop, (v, c) in zip(stops, parts, strict=True)]
    return joined, add_scattered(columns, range(joined.size))
