"""What ansätze are made of: a function with given data on the faces of a box, factors that vanish there."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from stde_core import Point, as_int
from stde_core.checks import in_short

from .domains import Bounds, bounds_of

Function: TypeAlias = Callable[[Point], Array]
Orders: TypeAlias = tuple[tuple[int, int], ...]


def scaled(point: Point, box: Any) -> Point:
    """A point of a `Box`, or of a box of such bounds, in coordinates from -1 to 1, which suit networks."""
    bounds = bounds_of("scaled(point, box)", box)
    low, high = (jnp.asarray(ends, point.dtype) for ends in zip(*bounds, strict=True))
    return (2 * point - (low + high)) / (high - low)


class Vanishing(eqx.Module):
    """`Π_i (1 + z_i)^below_i (1 − z_i)^above_i` with z the `scaled` point: a factor that vanishes on faces.

    - `box`: a `Box`, or its bounds.
    - `orders`: for each axis the powers (below, above), how many derivatives from order 0 vanish on
      the lower and on the upper face; 1 and 1 if not given.

    So `data(x) + Vanishing(box)(x) * network(x)` has the values of `data` on the boundary, whatever the
    network. Raises `ValueError` for what is no box, or other orders.
    """

    bounds: Bounds = eqx.field(static=True)
    orders: Orders = eqx.field(static=True)

    def __init__(self, box: Any, orders: Any = None) -> None:
        self.bounds = bounds_of("Vanishing(box)", box)
        values = [(1, 1)] * len(self.bounds)
        self.orders = _orders("Vanishing", values if orders is None else orders, self.bounds)

    def __call__(self, point: Point) -> Float[Array, ""]:
        factors = [
            (1 + side * z) ** order
            for z, orders in zip(scaled(point, self.bounds), self.orders, strict=True)
            for side, order in zip((1, -1), orders, strict=True)
            if order
        ]
        return math.prod(factors, start=jnp.ones((), point.dtype))


class Lifting(eqx.Module):
    """Transfinite interpolation: a function that agrees with data on the faces of a box.

    - `data`: a function of a point, `[num_inputs] -> scalar` or `-> [outputs]`; where two of the faces
      meet, it has one value.
    - `box`: a `Box`, or its bounds.
    - `orders`: for each axis how many derivatives across the lower and across the upper face agree,
      that of order 0 first: `(1, 0)` for an initial value, `(2, 0)` with an initial velocity, `(1, 1)`
      for values at both ends.

    With P_i Hermite's interpolation along axis i the function is `data − Π_i (1 − P_i) data` (Coons,
    1967; Gordon, 1971), where `data` itself drops out: it is evaluated on faces only, so that a
    solution in its place tells nothing of the inside. `Vanishing(box, orders)` times a network is what
    to add to it.

    Cost: the data at `Π_i (1 + n_i) − 1` points, with n_i the number of conditions along axis i.
    Raises `ValueError` for what is no box, or other orders.
    """

    data: Function
    bounds: Bounds = eqx.field(static=True)
    orders: Orders = eqx.field(static=True)

    def __init__(self, data: Function, box: Any, orders: Any) -> None:
        self.data = data
        self.bounds = bounds_of("Lifting(box)", box)
        self.orders = _orders("Lifting", orders, self.bounds)

    def __call__(self, point: Point) -> Float[Array, "*outputs"]:
        shares = [
            _shares(z, orders) for z, orders in zip(scaled(point, self.bounds), self.orders, strict=True)
        ]
        parts = []
        for derivative, faces in self._faces().items():
            keep, ends, which = (np.stack(part) for part in zip(*faces, strict=True))
            projected = jnp.asarray(ends, point.dtype) + jnp.asarray(keep, point.dtype) * point
            share = math.prod(s[which[:, i]] for i, s in enumerate(shares))
            parts.append(share @ jax.vmap(self._derivative(derivative))(projected))
        return -functools.reduce(jnp.add, parts)

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

    def _derivative(self, orders: tuple[int, ...]) -> Function:
        """A partial derivative of the data, in units of half the box."""
        derivative = self.data
        for axis, (order, (low, high)) in enumerate(zip(orders, self.bounds, strict=True)):
            for _ in range(order):
                derivative = _along(axis, (high - low) / 2, derivative)
        return derivative


def _along(axis: int, unit: float, function: Function) -> Function:
    def derivative(point: Point) -> Array:
        return jax.jvp(function, (point,), (jnp.zeros_like(point).at[axis].set(unit),))[1]

    return derivative


def _conditions(ends: tuple[float, float], orders: tuple[int, int]) -> list[tuple[float, int]]:
    """The pairs of face and derivative that are given."""
    return [(end, i) for end, order in zip(ends, orders, strict=True) for i in range(order)]


def _shares(z: Float[Array, ""], orders: tuple[int, int]) -> Float[Array, " conditions"]:
    """1, and what each condition at ±1 is multiplied by: Hermite's polynomials, negative."""
    conditions = _conditions((-1.0, 1.0), orders)
    if not conditions:
        return jnp.ones(1, z.dtype)
    monomials = [np.polynomial.Polynomial.basis(k) for k in range(len(conditions))]
    matrix = np.asarray([[p.deriv(i)(end) for p in monomials] for end, i in conditions])
    coefficients = jnp.asarray(np.linalg.inv(matrix), z.dtype)[::-1]
    polynomials = functools.reduce(lambda total, c: total * z + c, coefficients)
    return jnp.concatenate([jnp.ones(1, z.dtype), -polynomials])


def _orders(call: str, orders: Any, bounds: Bounds) -> Orders:
    """The pairs of orders of all axes. Raises `ValueError` for what they cannot be."""
    try:
        pairs = tuple((as_int(below), as_int(above)) for below, above in orders)
    except (TypeError, ValueError):
        pairs = ()
    counts = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for pair in pairs for n in pair)
    if len(pairs) != len(bounds) or not counts or not np.any(pairs):
        raise ValueError(
            f"`{call}(orders)` needs a pair (below, above) of integers ≥ 0 for each of {len(bounds)} axes, "
            f"not all of them 0, got {in_short(orders)}."
        )
    return pairs
