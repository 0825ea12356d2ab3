"""Dispersive equations with solitons: Korteweg-de Vries and Kadomtsev-Petviashvili."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

import stde_core as stde

from .._problem import AbstractProblem, Condition
from .._settings import Training
from .._view import AbstractView
from ..domains import Box, BoxFaces
from ..models import MLP
from ..report.views import HeatMaps
from .solitons import LineSoliton, TwoSolitons


def kdv(solution: Literal["soliton", "two-soliton"] = "soliton") -> "SolitonProblem":
    """Korteweg-de Vries equation u_t + 6uu_x + u_xxx = 0 with one soliton, or two that collide.

    Source: Korteweg and de Vries (1895); two solitons by Hirota (1971). The line is cut where the
    solution is below 1e-6 of its crest. The initial condition and the values on the cuts are built
    into the ansatz.
    """
    solutions = {
        "soliton": (LineSoliton((1.0,), 4.0, shift=-2.0), (-10.0, 10.0), 1.0, 8000),
        "two-soliton": (TwoSolitons((1.0, 0.6), (-4.0, -1.0)), (-15.0, 15.0), 1.5, 12_000),
    }
    stde.check_choice("solution", solution, solutions)
    exact, interval, horizon, steps = solutions[solution]
    u_x, u_t = stde.partials(2)
    return SolitonProblem(
        dim=1,
        solution=exact,
        bounds=(interval, (0.0, horizon)),
        operators={"u_x": u_x, "u_t + u_xxx": u_t + u_x**3},
        equation=_kdv,
        default_network=MLP(width=64, depth=4),
        default_training=Training(steps=steps, batch=300, learning_rate=3e-3, schedule="cosine"),
    )


def _kdv(x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
    return values["u_t + u_xxx"] + 6 * u * values["u_x"]


def kp(sigma_squared: Literal[1, -1] = 1) -> "SolitonProblem":
    """Kadomtsev-Petviashvili equation (u_t + 6uu_x + u_xxx)_x + 3σ²u_yy = 0 with a line soliton.

    σ² = −1 is KP-I, σ² = 1 KP-II. Source: Kadomtsev and Petviashvili (1970); the form is that of
    STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), which gives no solution. The initial
    condition is built into the ansatz; the exact values are asked for on the sides of the square.
    """
    stde.check_choice("sigma_squared", sigma_squared, (1, -1))
    k, l = 1.0, 0.5  # noqa: E741
    d_x, d_y, d_t = stde.partials(3)
    return SolitonProblem(
        dim=2,
        solution=LineSoliton((k, l), 4 * k**3 + 3 * sigma_squared * l**2 / k),
        bounds=((-5.0, 5.0), (-5.0, 5.0), (0.0, 0.5)),
        operators={
            "u_x": d_x,
            "u_xx": d_x**2,
            "linear": d_t * d_x + d_x**4 + 3 * sigma_squared * d_y**2,
        },
        equation=_kp,
        default_network=MLP(width=64, depth=3),
        default_training=Training(steps=6000, batch=250, learning_rate=5e-3),
    )


def _kp(x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
    return values["linear"] + 6 * values["u_x"] ** 2 + 6 * u * values["u_xx"]


class SolitonProblem(AbstractProblem):
    """An equation on a box of space and time, time last, whose exact solution gives the data.

    The initial condition is built into the ansatz, as are the sides in one dimension; in two
    dimensions a condition asks for the exact values there.
    """

    dim: int = eqx.field(static=True)
    solution: Callable[[stde.Point], Array]
    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    operators: PyTree[stde.AbstractOperator]
    equation: Callable[[stde.Point, Array, Any], Array] = eqx.field(static=True)
    default_network: MLP = eqx.field(static=True)
    default_training: Training = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=1)
    error_points: Literal["domain", "origin"] = eqx.field(static=True, default="domain")
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def num_features(self) -> int:
        return self.num_inputs

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def conditions(self) -> tuple[Condition, ...]:
        equation = Condition("equation", Box(self.bounds), self.operators, self.equation)
        if self.dim == 1:
            return (equation,)
        sides = BoxFaces(self.bounds, tuple(range(self.dim)))
        return (equation, Condition("sides", sides, None, self._misfit, weight=100.0))

    def _misfit(self, x: stde.Point, u: Array, values: None) -> Array:
        return u - self.solution(x)

    def ansatz(self, network: stde.Model) -> stde.Model:
        low, high = np.asarray(self.bounds).T

        def model(point: stde.Point) -> Array:
            scaled = (2 * point - (low + high)) / (high - low)
            time = (point[-1] - low[-1]) / (high[-1] - low[-1])
            # In one dimension u is held on both sides, and u_x on the right, as KdV needs.
            hold = (1 + scaled[0]) * (1 - scaled[0]) ** 2 if self.dim == 1 else 1.0
            return self.solution(point.at[-1].set(low[-1])) + time * hold * network(scaled)

        return model

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return np.asarray(jax.vmap(self.solution)(points))

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "exact", {}

    @property
    def view(self) -> AbstractView:
        (x_low, x_high), *rest = self.bounds
        if self.dim == 1:
            return HeatMaps((1, *rest[0]), (0, x_low, x_high), (0.0, 0.0), ("t", "x"))
        end = rest[-1][1]
        return HeatMaps((0, x_low, x_high), (1, *rest[0]), (0.0, 0.0, end), (f"x (t = {end:g})", "y"))
