"""Problems on a box of space and time whose exact solution gives the data on the faces."""

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
from ..domains import Box
from ..models import AbstractNetwork
from ..report.views import HeatMaps
from .lifting import Data, Lifting


class KnownOnABox(AbstractProblem):
    """An equation of first order in time on a box, time last, with data from an exact solution.

    - `bounds`: the intervals of space, one per axis, and that of time.
    - `orders`: for each axis of space, how many derivatives across the lower and the upper face are
      given, that of order 0 first.
    - `operators`, `equation`: as `Condition` has them.

    The ansatz has all data built in: it is a function that agrees with them on the faces, evaluated
    from the data there alone (`Lifting`), and the network times a factor that vanishes there. So
    the equation is the only condition.
    """

    dim: int = eqx.field(static=True)
    solution: Data
    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    orders: tuple[tuple[int, int], ...] = eqx.field(static=True)
    operators: PyTree[stde.AbstractOperator]
    equation: Callable[[stde.Point, Array, Any], Array] = eqx.field(static=True)
    default_network: AbstractNetwork = eqx.field(static=True)
    default_training: Training = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=1)
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.num_inputs

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("equation", Box(self.bounds), self.operators, self.equation),)

    def ansatz(self, network: stde.Model) -> stde.Model:
        low, high = np.asarray(self.bounds).T
        lifting = Lifting(self.solution, self.bounds, (*self.orders, (1, 0)))

        def model(point: stde.Point) -> Array:
            scaled = (2 * point - (low + high)) / (high - low)
            vanishing = (1 + scaled[-1]) / 2
            for z, (below, above) in zip(scaled[:-1], self.orders, strict=True):
                vanishing = vanishing * (1 + z) ** below * (1 - z) ** above
            return lifting(point) + vanishing * network(scaled)

        return model

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return np.asarray(jax.vmap(self.solution)(points), float)

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "exact", {}

    @property
    def view(self) -> AbstractView:
        (x_low, x_high), *rest = self.bounds
        if self.dim == 1:
            return HeatMaps((1, *rest[0]), (0, x_low, x_high), (0.0, 0.0), ("t", "x"))
        end = rest[-1][1]
        return HeatMaps((0, x_low, x_high), (1, *rest[0]), (0.0, 0.0, end), (f"x (t = {end:g})", "y"))
