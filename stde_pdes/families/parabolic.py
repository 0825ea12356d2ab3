"""Semilinear parabolic equations, backward in time (Han, Jentzen, E, 2018; STDE, 2024)."""

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
from ..domains import BrownianPaths
from ..models import MLP
from ..references import radial_solution
from ..report.space_and_time import SpaceAndTime
from .paths import brownian_paths

_WIDTH = 5.0


def semilinear_heat(dim: int = 100, horizon: float = 0.3) -> "RadialProblem":
    """Semilinear heat equation u_t + Δu + (1−u²)/(1+u²) = 0, u(T, x) = 5/(10+2|x|²).

    The solution depends on t and |x| alone, and a one-dimensional equation gives it at any
    dimension and any point. Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024).
    Deviations: the terminal condition is built into the ansatz (`RadialProblem`); errors are
    measured along the paths √2 W_t, and not at the origin alone; the network also sees log(5+|x|²), a
    feature of the terminal condition.
    """
    return RadialProblem(dim, horizon, reaction=_heat)


def sine_gordon_parabolic(dim: int = 100, horizon: float = 0.3) -> "RadialProblem":
    """Sine-Gordon equation u_t + Δu + sin u = 0, u(T, x) = 5/(10+2|x|²).

    The solution depends on t and |x| alone, and a one-dimensional equation gives it at any
    dimension and any point. Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviations:
    those of `semilinear-heat`; and u is not multiplied by d, as it is in the published code: the
    network's output is scaled instead.
    """
    return RadialProblem(dim, horizon, reaction=jnp.sin)


def _heat(u: Array) -> Array:
    return (1 - u**2) / (1 + u**2)


def _terminal(squared_radius: Array) -> Array:
    return 5 / (10 + 2 * squared_radius)


class RadialProblem(AbstractProblem):
    """`u_t + Δu + reaction(u) = 0` on [0, horizon] × R^dim with `u(T, x) = 5/(10+2|x|²)`.

    Points are `(x, t)`, time last. The ansatz is `g(|x|² + 2d(T−t)) + s (T−t) net`: the terminal
    condition at the mean squared distance to which |x|² is carried by T, nearly its heat flow, and
    a network in units of `s = reaction(g(2dT))`, the reaction's size at the ends of the paths.

    Raises `ValueError` for dim < 1 or a horizon that is not positive.
    """

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    reaction: Callable[[Array], Array] = eqx.field(static=True)
    output_scale: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=-1)
    default_network: MLP = eqx.field(static=True, default=MLP(width=64, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, batch=200, learning_rate=5e-3)
    )

    def __init__(self, dim: int, horizon: float, reaction: Callable[[Array], Array]):
        stde.check_count("dim", dim)
        check_positive("horizon", horizon)
        self.dim, self.horizon, self.reaction = dim, horizon, reaction
        self.output_scale = float(abs(reaction(_terminal(jnp.asarray(2.0 * dim * horizon)))))

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.dim + 2

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            "The network sees log(5+|x|²) beside x and t, a feature taken from the terminal condition, and "
            "the ansatz adds 5/(10+2|x|²+4d(T−t)), nearly the heat flow of the terminal condition.",
        )

    @property
    def origin(self) -> np.ndarray:
        return np.zeros(self.num_inputs)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        operator = stde.partial(-1) + stde.Laplacian(axes=slice(0, -1))
        return (Condition("equation", BrownianPaths(self.dim, self.horizon), operator, self._residual),)

    def _residual(self, x: stde.Point, u: Array, drift: Array) -> Array:
        return drift + self.reaction(u)

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[:-1], point[-1:]
            squared_radius = x @ x
            radial = jnp.log(_WIDTH + squared_radius)
            features = jnp.concatenate([x / self.dim**0.5, t / self.horizon, radial[None]])
            to_go = self.horizon - t[0]
            spread = _terminal(squared_radius + 2 * self.dim * to_go)
            return spread + self.output_scale * to_go * network(features)

        return model

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x, t = np.asarray(points[:, :-1], float), np.asarray(points[:, -1], float)
        return radial_solution(
            self.reaction,
            _terminal,
            dim=self.dim,
            horizon=self.horizon,
            times=t,
            squared_radii=(x**2).sum(1),
            width=_WIDTH,
        )

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> AbstractView:
        reach = 3 * (2 * self.horizon) ** 0.5
        return SpaceAndTime(brownian_paths(self.dim, self.horizon), np.eye(self.dim)[0], reach)
