"""Draws, and tangents: directions, powers and weights of the contractions that estimate an operator."""

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int

from .._types import Point
from ._coefficient import align

Indices: TypeAlias = Int[Array, " n"] | Int[np.ndarray, " n"]
"""Indices of terms; a NumPy array if they are known at trace time."""

# Indices of at most so many terms are known at trace time, which makes gathers of whole families slices. They
# are constants of the trace, 8 MB at the limit; the time of a step is the same with and without them.
_MAX_STATIC = 2**20


class Draw(eqx.Module):
    """`n` samples from a family of terms: indices of terms, or isotropic noise; with weights.

    With the weights, the sum over the samples is an unbiased estimate of the family. Its variance is
    estimated by `finite_population_correction · n · s²`, with `s²` the sample variance of the weighted
    samples. The correction (Cochran, *Sampling Techniques*, section 2.6) is 1 for independent samples,
    `1 − n/N` for n of N terms without replacement, and 0 for all terms of a family.
    """

    weights: Float[Array, " n"]
    indices: Indices | None = None
    noise: Float[Array, "n vectors size"] | None = None
    fourth_moment: float | None = eqx.field(static=True, default=None)
    finite_population_correction: float = eqx.field(static=True, default=1.0)

    @staticmethod
    def all_terms(size: int) -> "Draw":
        """Every term of a family of `size` terms, once."""
        indices = np.arange(size) if size <= _MAX_STATIC else jnp.arange(size)
        return Draw(jnp.ones(size), indices=indices, finite_population_correction=0.0)


class AbstractDirections(eqx.Module):
    """`n` samples of `m` direction vectors each; `jax.vmap` maps over the samples.

    Within one draw, directions with equal keys, other than None, are equal.
    """

    key: eqx.AbstractVar[Hashable]

    @abstractmethod
    def dense(self, size: int, dtype: jnp.dtype) -> Float[Array, "... m size"]:
        """The vectors written out: `[n, m, size]`, or `[m, size]` for one mapped sample."""

    @abstractmethod
    def dot(self, values: Inexact[Array, "n size"]) -> Inexact[Array, " n"]:
        """The inner products of each sample's first vector with a row of `values`."""


class OneHot(AbstractDirections):
    """Coordinate vectors `e_i`, stored as their indices."""

    axes: Int[Array, "... m"] | Int[np.ndarray, "... m"]
    key: Hashable = eqx.field(static=True, default=None)

    def dense(self, size: int, dtype: jnp.dtype) -> Float[Array, "... m size"]:
        return jax.nn.one_hot(self.axes, size, dtype=dtype)

    def dot(self, values: Inexact[Array, "n size"]) -> Inexact[Array, " n"]:
        return jnp.take_along_axis(values, self.axes[:, :1], axis=1)[:, 0]


class Dense(AbstractDirections):
    """Vectors written out."""

    vectors: Float[Array, "... m size"]
    key: Hashable = eqx.field(static=True, default=None)

    def dense(self, size: int, dtype: jnp.dtype) -> Float[Array, "... m size"]:
        del size
        return self.vectors.astype(dtype)

    def dot(self, values: Inexact[Array, "n size"]) -> Inexact[Array, " n"]:
        return jnp.sum(values * self.vectors[:, 0], axis=1)


class Tangents(eqx.Module):
    """`n` weighted contractions `w · D^|p| u(x)[v_1^p_1, …, v_m^p_m]` whose sum estimates a family.

    `weights` has shape `[n]`, or `[n, *out]` for a coefficient that differs between the components of
    the model's output. A `covector` is paired with the contraction, as in a divergence.
    """

    directions: AbstractDirections
    weights: Inexact[Array, "n ..."]
    powers: tuple[int, ...] = eqx.field(static=True)
    covector: AbstractDirections | None = None

    def weigh(self, contractions: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
        """The weighted terms, given the contractions `[n, *out]`."""
        if self.covector is not None:
            contractions = self.covector.dot(contractions)
        _check_fit(self.weights.shape[1:], contractions.shape[1:])
        weights, contractions = align([self.weights, contractions])
        return weights * contractions


def _check_fit(coefficient: tuple[int, ...], output: tuple[int, ...]) -> None:
    pairs = zip(reversed(coefficient), reversed(output), strict=False)
    if len(coefficient) > len(output) or any(c not in (1, o) for c, o in pairs):
        raise ValueError(
            f"An operator's coefficient of shape {coefficient} does not fit the shape {output} of what it "
            "multiplies; give a number, or an array that broadcasts to the model's output."
        )


def concatenate(left: AbstractDirections, right: AbstractDirections, x: Point) -> AbstractDirections:
    """Each sample's vectors of `left` followed by those of `right`; a single sample is repeated."""
    if isinstance(left, OneHot) and isinstance(right, OneHot):
        axes = _rows(left.axes, right.axes)
        known = all(isinstance(part, np.ndarray) for part in axes)
        return OneHot((np if known else jnp).concatenate(axes, axis=1))
    parts = [directions.dense(x.shape[0], x.dtype) for directions in (left, right)]
    return Dense(jnp.concatenate(_rows(*parts), axis=1))


def _rows(*arrays: Array | np.ndarray) -> list[Any]:
    samples = max(array.shape[0] for array in arrays)
    known = all(isinstance(array, np.ndarray) for array in arrays)
    broadcast = np.broadcast_to if known else jnp.broadcast_to
    return [broadcast(array, (samples, *array.shape[1:])) for array in arrays]
