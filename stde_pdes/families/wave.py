"""The wave equation, of second order in time."""

from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_positive
from .._problem import AbstractProblem, Condition
from .._settings import Training
from ..domains import UnitBall, WithTime
from ..models import MLP
from ..report.views import HeatMaps


def wave(dim: int = 3, horizon: float = 1.0) -> "Wave":
    """Wave equation u_tt = Δu on the unit ball, u = Σ sinh x_i and u_t = 0 at t = 0.

    Exact solution `cosh t Σ sinh x_i`, which gives the values on the sphere. Source: the code of STDE
    (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviation: the values on the sphere are built into the
    ansatz beside the initial values.
    """
    return Wave(dim, horizon)


class Wave(AbstractProblem):
    """`u_tt = Δu` on the unit ball × [0, horizon] with u and u_t given at t = 0, and u on the sphere.

    The ansatz `u₀(x) + |x|³ (h − u₀)(x/|x|, t) + t² (1 − |x|²) net`, with the values h on the
    sphere, has all of them; the cube is the least power that leaves Δ continuous at x = 0.
    Points are `(x, t)`, time last. Raises `ValueError` for dim < 1, or a horizon that is not positive.
    """

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=1)
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())
    default_network: MLP = eqx.field(static=True, default=MLP(width=64, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, batch=200, learning_rate=3e-3)
    )

    def __check_init__(self):
        stde.check_count("dim", self.dim)
        check_positive("horizon", self.horizon)

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.num_inputs

    @property
    def conditions(self) -> tuple[Condition, ...]:
        points = WithTime(UnitBall(self.dim), self.horizon)
        # Apart, since in their difference u_tt would be one of the terms that are sampled.
        operators = {"u_tt": stde.partial(-1) ** 2, "Δu": stde.Laplacian(axes=slice(0, -1))}
        return (Condition("equation", points, operators, self._residual),)

    def _residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["u_tt"] - values["Δu"]

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[:-1], point[-1]
            squared_radius = x @ x
            centre = squared_radius == 0
            # At the centre |x|³ and two derivatives are 0, but not its factors.
            radius = jnp.sqrt(jnp.where(centre, 1.0, squared_radius))
            on_sphere = x / radius
            missing = on_the_sphere(on_sphere, t) - at_the_start(on_sphere)
            lift = jnp.where(centre, 0.0, radius**3 * missing)
            net = network(jnp.append(self.dim**0.5 * x, t / self.horizon))
            return at_the_start(x) + lift + t**2 * (1 - squared_radius) * net

        return model

    def solution(self, x: stde.Point) -> Array:
        """The exact solution."""
        return jnp.cosh(x[-1]) * jnp.sum(jnp.sinh(x[:-1]))

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return np.cosh(x[:, -1]) * np.sinh(x[:, :-1]).sum(1)

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> HeatMaps:
        line, base = (0, -1.0, 1.0), (0.0,) * self.num_inputs
        return HeatMaps((self.dim, 0.0, self.horizon), line, base, ("t", "x₁ (others 0)"))


def at_the_start(x: Float[Array, " dim"]) -> Float[Array, ""]:
    """The initial values u(x, 0); u_t(x, 0) is 0."""
    return jnp.sum(jnp.sinh(x))


def on_the_sphere(x: Float[Array, " dim"], t: Float[Array, ""]) -> Float[Array, ""]:
    """The values u(x, t) on the unit sphere."""
    return jnp.cosh(t) * jnp.sum(jnp.sinh(x))
