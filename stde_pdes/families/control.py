"""Hamilton-Jacobi-Bellman equations of optimal control, backward in time."""

from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_least, check_positive
from .._problem import AbstractProblem, Condition
from .._settings import Training
from ..domains import BrownianPaths
from ..models import MLP
from ..references import lqg_value, lqg_values
from ..report.views import AlongPaths
from .paths import brownian_paths

# What both equations need; the gradient is exact under every estimator.
_OPERATORS = {
    "u_t + Δu": stde.partial(-1) + stde.Laplacian(axes=slice(0, -1)),
    "∇u": stde.Gradient(axes=slice(0, -1)),
}


def hjb_lin(dim: int = 100, horizon: float = 1.0, c: float = 1.75) -> "LinearControl":
    """Hamilton-Jacobi-Bellman equation u_t + Δu − (1/d) Σ|u_i|^c = −2, u(T, x) = Σ x_i.

    Exact solution `Σ x_i + T − t`, for every c. Source: Wang, Li, He and Wang (2022), "Is L² Physics
    Informed Loss Always Suitable for Training Physics Informed Neural Network?", with the numbers of
    the code of STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviations: points along √2 W_t; the
    terminal condition is built into the ansatz, as `(t/T) Σ x_i + (1 − t/T) √d net`, since in
    `Σ x_i + (T − t) net` the network 1 would be exact.
    """
    return LinearControl(dim, horizon, c)


class LinearControl(AbstractProblem):
    """`u_t + Δu − (1/d) Σ|u_i|^c = −2` on [0, horizon] × R^dim with `u(T, x) = Σ x_i`.

    Points are `(x, t)`, time last. Raises `ValueError` for dim < 1, a horizon that is not positive,
    or c < 1, where |p|^c has no slope at p = 0.
    """

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    c: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=-1)
    notes: tuple[str, ...] = eqx.field(static=True, default=())
    default_network: MLP = eqx.field(static=True, default=MLP(width=64, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, batch=200, learning_rate=2e-3)
    )

    def __check_init__(self):
        stde.check_count("dim", self.dim)
        check_positive("horizon", self.horizon)
        check_least("c", self.c, 1)

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.num_inputs

    @property
    def origin(self) -> np.ndarray:
        return np.zeros(self.num_inputs)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        points = BrownianPaths(self.dim, self.horizon)
        return (Condition("equation", points, _OPERATORS, self._residual),)

    def _residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["u_t + Δu"] - jnp.mean(jnp.abs(values["∇u"]) ** self.c) + 2

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, elapsed = point[:-1], point[-1] / self.horizon
            features = jnp.concatenate([x / (2 * self.horizon) ** 0.5, elapsed[None]])
            return elapsed * jnp.sum(x) + (1 - elapsed) * self.dim**0.5 * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        """The exact solution."""
        return jnp.sum(x[:-1]) + self.horizon - x[-1]

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return x[:, :-1].sum(1) + self.horizon - x[:, -1]

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> AlongPaths:
        return AlongPaths(brownian_paths(self.dim, self.horizon))


def hjb_lqg(dim: int = 100, horizon: float = 1.0, mu: float = 1.0) -> "LinearQuadraticGaussianControl":
    """Hamilton-Jacobi-Bellman equation u_t + Δu − μ|∇u|² = 0, u(T, x) = log((1+|x|²)/2).

    `exp(−μu)` solves the heat equation, so that u is an integral over one variable, at any dimension
    and any point. Source: Han, Jentzen and E (2018), where u(0, 0) = 4.5901 for d = 100.
    Deviations: the terminal condition is built into the ansatz; errors are measured along the
    paths √2 W_t, and not at the origin alone; the network also sees log(1+|x|²), a feature of the
    terminal condition, and its deviation from log(1+2dt), which is small but decides.
    """
    return LinearQuadraticGaussianControl(dim, horizon, mu)


class LinearQuadraticGaussianControl(AbstractProblem):
    """`u_t + Δu − μ|∇u|² = 0` on [0, horizon] × R^dim with `u(T, x) = log((1+|x|²)/2)`.

    Points are `(x, t)`, time last. Raises `ValueError` for dim < 1, or a horizon or μ that is not
    positive.
    """

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    mu: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=-1)
    default_network: MLP = eqx.field(static=True, default=MLP(width=64, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, batch=200, learning_rate=2e-3)
    )

    def __check_init__(self):
        stde.check_count("dim", self.dim)
        check_positive("horizon", self.horizon)
        check_positive("mu", self.mu)

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.dim + 3

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            "The network sees log(1+|x|²), a feature taken from the terminal condition, beside x and t, "
            "and by how much it deviates from its value log(1+2dt) on a typical path.",
        )

    @property
    def origin(self) -> np.ndarray:
        return np.zeros(self.num_inputs)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        points = BrownianPaths(self.dim, self.horizon)
        return (Condition("equation", points, _OPERATORS, self._residual),)

    def _residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["u_t + Δu"] - self.mu * jnp.sum(values["∇u"] ** 2)

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, elapsed = point[:-1], point[-1] / self.horizon
            radial = jnp.log1p(x @ x)
            deviation = (self.dim / 2) ** 0.5 * (radial - jnp.log1p(2 * self.dim * point[-1]))
            features = jnp.concatenate([x / self.dim**0.5, jnp.stack([elapsed, radial, deviation])])
            return radial - jnp.log(2.0) + (1 - elapsed) * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        """The exact solution, as a quadrature that is converged to rounding in float64."""
        return lqg_value(x[:-1] @ x[:-1], self.horizon - x[-1], dim=self.dim, mu=self.mu)

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return lqg_values((x[:, :-1] ** 2).sum(1), self.horizon - x[:, -1], dim=self.dim, mu=self.mu)

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> AlongPaths:
        return AlongPaths(brownian_paths(self.dim, self.horizon))
