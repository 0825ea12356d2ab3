"""Functions that agree with given data on the faces of a box, and factors that vanish there."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

Data = Callable[[stde.Point], Array]


class InitialData(eqx.Module):
    """The data at the start of time, the last input, at all times."""

    data: Data
    start: float = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        return self.data(point.at[-1].set(self.start))


class WithSides(eqx.Module):
    """A function corrected so that it agrees with data on the two faces across an axis.

    `orders` says what agrees on the lower and on the upper face: 1 the value, 2 the slope across it
    too. What is missing there is carried inside by Hermite's polynomial. Faces where
    `inner` is right already stay right, so several axes are corrected one after the other: for
    values alone this is the interpolation of Coons (1967) and Gordon (1971). The data are
    evaluated on the faces only.
    """

    inner: Data
    data: Data
    axis: int = eqx.field(static=True)
    ends: tuple[float, float] = eqx.field(static=True)
    orders: tuple[int, int] = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        low, high = self.ends
        z = (2 * point[self.axis] - (low + high)) / (high - low)
        powers = jnp.stack([z**k for k in range(sum(self.orders))])
        basis = jnp.asarray(_hermite_basis(self.orders), point.dtype)
        return self.inner(point) + (basis @ powers) @ self._missing(point)

    def _missing(self, point: stde.Point) -> Float[Array, " conditions"]:
        """What `inner` lacks on both faces: values, and slopes in units of half the box."""
        faces = jnp.stack([point.at[self.axis].set(end) for end in self.ends])
        if max(self.orders) == 1:
            return jax.vmap(self._misfit)(faces)
        across = jnp.zeros_like(point).at[self.axis].set((self.ends[1] - self.ends[0]) / 2)
        both = jax.vmap(lambda face: jnp.stack(jax.jvp(self._misfit, (face,), (across,))))(faces)
        return jnp.concatenate([given[:order] for given, order in zip(both, self.orders, strict=True)])

    def _misfit(self, point: stde.Point) -> Array:
        return self.data(point) - self.inner(point)


def _hermite_basis(orders: tuple[int, int]) -> np.ndarray:
    """Row i: coefficients, lowest first, of the polynomial with condition i at ±1 equal to 1, others 0."""
    monomials = [np.polynomial.Polynomial.basis(k) for k in range(sum(orders))]
    conditions = [(end, i) for end, order in zip((-1.0, 1.0), orders, strict=True) for i in range(order)]
    matrix = [[p.deriv(i)(end) for p in monomials] for end, i in conditions]
    return np.linalg.inv(np.asarray(matrix)).T
