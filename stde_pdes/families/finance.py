"""Pricing under uncertain volatility, backward in time."""

from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_least, check_positive
from .._problem import AbstractProblem, Condition
from .._settings import Training
from ..domains import GeometricBrownianPaths
from ..models import MLP
from ..report.views import AlongPaths
from .paths import geometric_brownian_paths


def black_scholes_barenblatt(
    dim: int = 100, horizon: float = 1.0, sigma: float = 0.4, r: float = 0.05
) -> "BlackScholesBarenblatt":
    """Black-Scholes-Barenblatt equation u_t + ½σ²Σx_i²u_ii − r(u − x·∇u) = 0, u(T, x) = |x|².

    Exact solution `e^{(r+σ²)(T−t)} |x|²`. Source: Raissi (2018), "Forward-backward stochastic neural
    networks", whose paths start at (1, ½, 1, ½, …). Deviations: the terminal condition is built into
    the ansatz, as `|x|² + (T − t) s net` with the constant s = |x₀|², and not as
    `|x|² (1 + (T − t) net)`, in which a constant network is almost exact; errors are measured
    along the paths; the network also sees |x|².
    """
    return BlackScholesBarenblatt(dim, horizon, sigma, r)


class BlackScholesBarenblatt(AbstractProblem):
    """`u_t + ½σ²Σx_i²u_ii − r(u − x·∇u) = 0` on [0, horizon] × R^dim with `u(T, x) = |x|²`.

    Points are `(x, t)`, time last. Raises `ValueError` for dim < 1, a horizon or σ that is not
    positive, or r < 0.
    """

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    sigma: float = eqx.field(static=True)
    r: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=-1)
    default_network: MLP = eqx.field(static=True, default=MLP(width=64, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=2000, batch=100, learning_rate=2e-3)
    )

    def __check_init__(self):
        stde.check_count("dim", self.dim)
        check_positive("horizon", self.horizon)
        check_positive("sigma", self.sigma)
        check_least("r", self.r, 0)

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    @property
    def num_features(self) -> int:
        return self.dim + 2

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            "The network sees |x|², the terminal condition, beside x and t.",
            "The error at the origin is that at the start of the paths, x₀ = (1, ½, 1, …).",
        )

    @property
    def start(self) -> Float[np.ndarray, " dim"]:
        """Where the paths begin."""
        return np.where(np.arange(self.dim) % 2, 0.5, 1.0)

    @property
    def origin(self) -> np.ndarray:
        return np.append(self.start, 0.0)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        points = GeometricBrownianPaths(self.start, self.sigma, self.horizon)
        diffusion = stde.WeightedLaplacian(lambda x: x[:-1], axes=slice(0, -1))
        along = stde.Directional(lambda x: x.at[-1].set(0.0))
        operator = stde.partial(-1) + 0.5 * self.sigma**2 * diffusion + self.r * along
        return (Condition("equation", points, operator, self._residual),)

    def _residual(self, x: stde.Point, u: Array, drift: Array) -> Array:
        return drift - self.r * u

    def ansatz(self, network: stde.Model) -> stde.Model:
        scale = float(self.start @ self.start)

        def model(point: stde.Point) -> Array:
            x, to_go = point[:-1], 1 - point[-1] / self.horizon
            payoff = x @ x
            relative = x / jnp.asarray(self.start, x.dtype) - 1
            features = jnp.concatenate([relative / self.dim**0.5, jnp.stack([to_go, payoff / scale - 1])])
            return payoff + to_go * scale * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        """The exact solution."""
        return jnp.exp((self.r + self.sigma**2) * (self.horizon - x[-1])) * (x[:-1] @ x[:-1])

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return np.exp((self.r + self.sigma**2) * (self.horizon - x[:, -1])) * (x[:, :-1] ** 2).sum(1)

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        # Random signs are exact where the Hessian is diagonal, as that of |x|² is; random coordinates
        # see how unequal the x_i² are.
        return "stde", {"num_samples": min(16, dim), "sampler": stde.get_sampler("rademacher")}

    @property
    def view(self) -> AlongPaths:
        return AlongPaths(geometric_brownian_paths(self.start, self.sigma, self.horizon))
