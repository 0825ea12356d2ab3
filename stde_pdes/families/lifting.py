"""A function inside a box from data on its faces."""

import functools
import itertools
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

Data = Callable[[stde.Point], Array]


class Lifting(eqx.Module):
    """Transfinite interpolation: a function that agrees with data on the faces of a box.

    `orders` says for each axis how many derivatives across the lower and across the upper face
    agree, that of order 0 first. With P_i Hermite's interpolation along axis i the function is
    `data − Π_i (1 − P_i) data` (Coons, 1967; Gordon, 1971), where `data` itself drops out: it is
    evaluated on faces only. A solution, an initial value and an initial velocity are such data.

    Cost: the data at `Π_i (1 + n_i) − 1` points, with n_i the number of conditions along axis i.
    """

    data: Data
    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    orders: tuple[tuple[int, int], ...] = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        low, high = (jnp.asarray(ends, point.dtype) for ends in zip(*self.bounds, strict=True))
        scaled = (2 * point - (low + high)) / (high - low)
        shares = [_shares(z, orders) for z, orders in zip(scaled, self.orders, strict=True)]
        total = jnp.zeros((), point.dtype)
        for derivative, faces in self._faces().items():
            keep, ends, which = (np.stack(part) for part in zip(*faces, strict=True))
            projected = jnp.asarray(ends, point.dtype) + jnp.asarray(keep, point.dtype) * point
            share = math.prod(s[which[:, i]] for i, s in enumerate(shares))
            total -= share @ jax.vmap(self._derivative(derivative))(projected)
        return total

    def _faces(self) -> dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
        """By order of the derivative: which inputs of the point are kept, what the others are, and
        the number of the condition along each axis, 0 for none."""
        faces: dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
        per_axis = [
            [(1.0, 0.0, 0), *((0.0, end, i) for end, i in _conditions(ends, orders))]
            for ends, orders in zip(self.bounds, self.orders, strict=True)
        ]
        for choice in itertools.product(*(range(len(conditions)) for conditions in per_axis)):
            keep, end, derivative = zip(*(c[i] for c, i in zip(per_axis, choice, strict=True)), strict=True)
            if any(choice):
                faces.setdefault(derivative, []).append((np.array(keep), np.array(end), np.array(choice)))
        return faces

    def _derivative(self, orders: tuple[int, ...]) -> Data:
        """A partial derivative of the data, in units of half the box."""
        derivative = self.data
        for axis, (order, (low, high)) in enumerate(zip(orders, self.bounds, strict=True)):
            for _ in range(order):
                derivative = _along(axis, (high - low) / 2, derivative)
        return derivative


def _along(axis: int, unit: float, function: Data) -> Data:
    def derivative(point: stde.Point) -> Array:
        return jax.jvp(function, (point,), (jnp.zeros_like(point).at[axis].set(unit),))[1]

    return derivative


def _conditions(ends: tuple[float, float], orders: tuple[int, int]) -> list[tuple[float, int]]:
    """The pairs of face and derivative that are given."""
    return [(end, i) for end, order in zip(ends, orders, strict=True) for i in range(order)]


def _shares(z: Float[Array, ""], orders: tuple[int, int]) -> Float[Array, " conditions"]:
    """1, and what each condition at ±1 is multiplied by: Hermite's polynomials, negative."""
    conditions = _conditions((-1.0, 1.0), orders)
    monomials = [np.polynomial.Polynomial.basis(k) for k in range(len(conditions))]
    matrix = np.asarray([[p.deriv(i)(end) for p in monomials] for end, i in conditions])
    coefficients = jnp.asarray(np.linalg.inv(matrix), z.dtype)[::-1]
    polynomials = functools.reduce(lambda total, c: total * z + c, coefficients)
    return jnp.concatenate([jnp.ones(1, z.dtype), -polynomials])
