"""Periodic initial value problems in one dimension, judged by a spectral solution."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_positive
from .._problem import AbstractProblem, Condition
from .._settings import Training
from .._view import AbstractView
from ..domains import Box
from ..models import MLP, AbstractNetwork, periodic
from ..references import spectral_solution
from ..report.views import HeatMaps
from .burgers_type import BurgersType


class PeriodicProblem(AbstractProblem):
    """`u_t + a u u_x + … = 0` with period `length` in x and `u(x, 0) = initial(x)`, up to `horizon`.

    Both the period and the initial value are built into the ansatz `initial(x) + t net`: the network
    sees the cosines and sines of `harmonics` waves in place of x. Raises `ValueError` for a horizon
    that is not positive.
    """

    equation: BurgersType
    initial: Callable[[Array], Array] = eqx.field(static=True)
    length: float = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    harmonics: int = eqx.field(static=True)
    default_training: Training = eqx.field(static=True)
    default_network: AbstractNetwork = eqx.field(
        static=True, default=MLP(width=32, depth=4, activation="sin")
    )
    dim: int = eqx.field(static=True, default=1)
    num_inputs: int = eqx.field(static=True, default=2)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=1)
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    def __check_init__(self):
        check_positive("horizon", self.horizon)

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (0.0, self.length), (0.0, self.horizon)

    @property
    def num_features(self) -> int:
        return 2 * self.harmonics + 1

    @property
    def conditions(self) -> tuple[Condition, ...]:
        equation = self.equation
        return (Condition("equation", Box(self.bounds), equation.operators, equation.residual),)

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[0], point[1] / self.horizon
            features = jnp.append(periodic(x, self.length, self.harmonics), 2 * t - 1)
            return self.initial(x) + t * network(features)

        return model

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        positions, times = np.asarray(points, float).T
        return spectral_solution(
            self.equation.symbol,
            self.equation.advection,
            self.initial,
            length=self.length,
            horizon=self.horizon,
            positions=positions,
            times=times,
        )

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "exact", {}

    @property
    def view(self) -> AbstractView:
        space, time = self.bounds
        return HeatMaps((1, *time), (0, *space), (0.0, 0.0), ("t", "x"))
