"""Pricing under uncertain volatility, backward in time."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_least, check_positive
from ..conditions import Condition
from ..diffusions import GeometricBrownianPaths
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..report.plots import AlongPaths
from ..settings import Training
from .parts import brownian_paths, sampled


def black_scholes_barenblatt(
    dim: int = 100, horizon: float = 1.0, sigma: float = 0.4, r: float = 0.05
) -> Problem:
    """Black-Scholes-Barenblatt equation u_t + ½σ²Σx_i²u_ii − r(u − x·∇u) = 0, u(T, x) = |x|².

    Exact solution `e^{(r+σ²)(T−t)} |x|²`. Source: Raissi (2018), "Forward-backward stochastic neural
    networks", whose paths start at (1, ½, 1, ½, …). Deviations: the terminal condition is built into
    the ansatz, as `|x|² + (T − t) s net` with the constant s = |x₀|², and not as
    `|x|² (1 + (T − t) net)`, in which a constant network is almost exact; errors are measured
    along the paths; the network also sees |x|². Raises `ValueError` for dim < 1, a horizon or σ that is
    not positive, or r < 0.
    """
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    check_positive("sigma", sigma)
    check_least("r", r, 0)
    start, equation = _start(dim), _BlackScholesBarenblatt(horizon, sigma, r)
    diffusion = stde.WeightedLaplacian(_prices, axes=slice(0, -1))
    operator = stde.partial(-1) + 0.5 * sigma**2 * diffusion + r * stde.Directional(_along_prices)
    points = GeometricBrownianPaths(start, sigma, horizon)
    return Problem(
        [Condition("equation", points, operator, equation.residual)],
        time=-1,
        arrow=-1,
        ansatz=equation.ansatz,
        solution=equation.solution,
        reference=equation.reference,
        origin=np.append(start, 0.0),
        network=MLP(64, 3),
        training=Training((Adam(2000, 100, 2e-3),)),
        # Random signs are exact where the Hessian is diagonal, as that of |x|² is; random coordinates
        # see how unequal the x_i² are.
        estimator=sampled(dim, sampler=stde.Rademacher()),
        plot=AlongPaths(Partial(_paths, dim, horizon, sigma)),
        notes=(
            "The network sees |x|², the terminal condition, beside x and t.",
            "The error at the origin is that at the start of the paths, x₀ = (1, ½, 1, …).",
        ),
    )


def _start(dim: int) -> Float[np.ndarray, " dim"]:
    """Where the paths begin."""
    return np.where(np.arange(dim) % 2, 0.5, 1.0)


def _paths(dim: int, horizon: float, sigma: float) -> Float[np.ndarray, "paths times inputs"]:
    """Five paths `(x₀ exp(σW_t − σ²t/2), t)`, always the same."""
    paths = brownian_paths(dim, horizon)
    noise, clock = paths[:, :, :-1] / 2**0.5, paths[:, :, -1:]
    return np.concatenate([_start(dim) * np.exp(sigma * noise - sigma**2 * clock / 2), clock], axis=2)


def _prices(x: stde.Point) -> Array:
    return x[:-1]


def _along_prices(x: stde.Point) -> Array:
    return x.at[-1].set(0.0)


class _BlackScholesBarenblatt(eqx.Module):
    """`u_t + ½σ²Σx_i²u_ii − r(u − x·∇u) = 0` on [0, horizon] × R^dim with `u(T, x) = |x|²`, time last."""

    horizon: float
    sigma: float
    r: float

    def residual(self, x: stde.Point, u: Array, drift: Array) -> Array:
        return drift - self.r * u

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, to_go = point[:-1], 1 - point[-1] / self.horizon
            start, payoff = _start(x.size), x @ x
            scale, relative = float(start @ start), x / jnp.asarray(start, x.dtype) - 1
            features = jnp.concatenate([relative / x.size**0.5, jnp.stack([to_go, payoff / scale - 1])])
            return payoff + to_go * scale * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        return jnp.exp((self.r + self.sigma**2) * (self.horizon - x[-1])) * (x[:-1] @ x[:-1])

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return np.exp((self.r + self.sigma**2) * (self.horizon - x[:, -1])) * (x[:, :-1] ** 2).sum(1)
