"""Exact solutions of dispersive equations, as modules `point -> u`, and problems on a box made of them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from ..ansatz import Function, Lifting, Orders, Vanishing, scaled
from ..conditions import Condition, Residual
from ..domains import Bounds, Box
from ..networks import MLP
from ..problem import Problem
from ..report.plots import HeatMaps
from ..settings import Training


def known_on_a_box(
    solution: Function,
    bounds: Bounds,
    orders: Orders,
    operators: Any,
    residual: Residual,
    training: Training,
) -> Problem:
    """An equation of first order in time on a box, time last, with data from an exact solution.

    - `bounds`: the intervals of space, one per axis, and that of time.
    - `orders`: for each axis of space, how many derivatives across the lower and the upper face are
      given, that of order 0 first.
    """
    inputs = ("x", "t") if len(orders) == 1 else ("x", "y", "t")
    return Problem(
        [Condition("equation", Box(bounds), operators, residual)],
        inputs=inputs,
        time="t",
        ansatz=_BoxAnsatz(Lifting(solution, bounds, (*orders, (1, 0)))),
        solution=solution,
        network=MLP(32, 3),
        training=training,
        estimator=stde.get_estimator("exact"),
        plot=_heat_maps(bounds),
    )


class _BoxAnsatz(eqx.Module):
    """The data on the faces, carried inside from there alone, and a network times what vanishes on them."""

    lifting: Lifting

    def __call__(self, network: stde.Model) -> stde.Model:
        bounds, vanishing = self.lifting.bounds, Vanishing(self.lifting.bounds, self.lifting.orders)

        def model(point: stde.Point) -> Array:
            return self.lifting(point) + vanishing(point) / 2 * network(scaled(point, bounds))

        return model


def _heat_maps(bounds: Bounds) -> HeatMaps:
    """Over time and space, or over space at the end."""
    (x_low, x_high), *rest = bounds
    if len(rest) == 1:
        return HeatMaps((1, *rest[0]), (0, x_low, x_high), (0.0, 0.0), ("t", "x"))
    end = rest[-1][1]
    return HeatMaps((0, x_low, x_high), (1, *rest[0]), (0.0, 0.0, end), (f"x (t = {end:g})", "y"))


class LineSoliton(eqx.Module):
    """`amplitude · sech²(waves · point − shift)`."""

    amplitude: float = eqx.field(static=True)
    waves: tuple[float, ...] = eqx.field(static=True)
    shift: float = eqx.field(static=True, default=0.0)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        phase = jnp.asarray(self.waves, point.dtype) @ point - self.shift
        # sech² without overflow, and without loss of digits in the tails.
        return 4 * self.amplitude * jax.nn.sigmoid(2 * phase) * jax.nn.sigmoid(-2 * phase)


class LineKink(eqx.Module):
    """`amplitude · tanh(waves · point − shift)`."""

    amplitude: float = eqx.field(static=True)
    waves: tuple[float, ...] = eqx.field(static=True)
    shift: float = eqx.field(static=True, default=0.0)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        return self.amplitude * jnp.tanh(jnp.asarray(self.waves, point.dtype) @ point - self.shift)


class TwoSolitons(eqx.Module):
    """`2 ∂_x² log τ`, τ = 1 + e₁ + e₂ + A e₁e₂, `e_i = exp(waves_i · point − shift_i)`; x is the first input.

    `interaction` is A > 0. Source: Hirota (1971).
    """

    waves: tuple[tuple[float, ...], tuple[float, ...]] = eqx.field(static=True)
    shifts: tuple[float, float] = eqx.field(static=True)
    interaction: float = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        present = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
        slopes = present @ np.asarray(self.waves)
        offsets = np.log([1, 1, 1, self.interaction]) - present @ np.asarray(self.shifts)
        # τ is a sum of exponentials linear in x: (log τ)'' is the variance of the slopes in x.
        exponents = jnp.asarray(slopes, point.dtype) @ point + jnp.asarray(offsets, point.dtype)
        shares = jax.nn.softmax(exponents)
        along_x = jnp.asarray(slopes[:, 0], point.dtype)
        return 2 * (shares @ (along_x - shares @ along_x) ** 2)


class Lump(eqx.Module):
    """`2 ∂_x² log((x − 3m²t)² + m²y² + m⁻²)`, which decays like 1/(x² + y²): KP-I's lump."""

    m: float = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        x, y, t = point
        along = (x - 3 * self.m**2 * t) ** 2
        across = (self.m * y) ** 2 + self.m**-2
        return 4 * (across - along) / (across + along) ** 2
