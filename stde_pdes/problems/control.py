"""Hamilton-Jacobi-Bellman equations of optimal control, backward in time."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_least, check_positive
from ..conditions import Condition
from ..diffusions import BrownianPaths
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..references import lqg_value, lqg_values
from ..report.plots import AlongPaths
from ..settings import Training
from .parts import BACKWARD_HEAT, brownian_paths, sampled


def hjb_lin(dim: int = 100, horizon: float = 1.0, c: float = 1.75) -> Problem:
    """Hamilton-Jacobi-Bellman equation u_t + Δu − (1/d) Σ|u_i|^c = −2, u(T, x) = Σ x_i.

    Exact solution `Σ x_i + T − t`, for every c. Source: Wang, Li, He and Wang (2022), "Is L² Physics
    Informed Loss Always Suitable for Training Physics Informed Neural Network?", with the numbers of
    the code of STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviations: points along √2 W_t; the
    terminal condition is built into the ansatz, as `(t/T) Σ x_i + (1 − t/T) √d net`, since in
    `Σ x_i + (T − t) net` the network 1 would be exact. Raises `ValueError` for dim < 1, a horizon that is
    not positive, or c < 1, where |p|^c has no slope at p = 0.
    """
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    check_least("c", c, 1)
    return _control(dim, horizon, _Linear(horizon, c), notes=())


class _Linear(eqx.Module):
    """`u_t + Δu − (1/d) Σ|u_i|^c = −2` with `u(T, x) = Σ x_i`."""

    horizon: float
    c: float

    def residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["u_t + Δu"] - jnp.mean(jnp.abs(values["∇u"]) ** self.c) + 2

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, elapsed = point[:-1], point[-1] / self.horizon
            features = jnp.concatenate([x / (2 * self.horizon) ** 0.5, elapsed[None]])
            return elapsed * jnp.sum(x) + (1 - elapsed) * x.size**0.5 * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        return jnp.sum(x[:-1]) + self.horizon - x[-1]

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x = np.asarray(points, float)
        return x[:, :-1].sum(1) + self.horizon - x[:, -1]


def hjb_lqg(dim: int = 100, horizon: float = 1.0, mu: float = 1.0) -> Problem:
    """Hamilton-Jacobi-Bellman equation u_t + Δu − μ|∇u|² = 0, u(T, x) = log((1+|x|²)/2).

    `exp(−μu)` solves the heat equation, so that u is an integral over one variable, at any dimension
    and any point. Source: Han, Jentzen and E (2018), where u(0, 0) = 4.5901 for d = 100.
    Deviations: the terminal condition is built into the ansatz; errors are measured along the
    paths √2 W_t, and not at the origin alone; the network also sees log(1+|x|²), a feature of the
    terminal condition, and its deviation from log(1+2dt), which is small but decides. Raises
    `ValueError` for dim < 1, or a horizon or μ that is not positive.
    """
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    check_positive("mu", mu)
    notes = (
        "The network sees log(1+|x|²), a feature taken from the terminal condition, beside x and t, "
        "and by how much it deviates from its value log(1+2dt) on a typical path.",
    )
    return _control(dim, horizon, _LinearQuadraticGaussian(horizon, mu), notes)


class _LinearQuadraticGaussian(eqx.Module):
    """`u_t + Δu − μ|∇u|² = 0` with `u(T, x) = log((1+|x|²)/2)`."""

    horizon: float
    mu: float

    def residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["u_t + Δu"] - self.mu * jnp.sum(values["∇u"] ** 2)

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, elapsed = point[:-1], point[-1] / self.horizon
            radial = jnp.log1p(x @ x)
            deviation = (x.size / 2) ** 0.5 * (radial - jnp.log1p(2 * x.size * point[-1]))
            features = jnp.concatenate([x / x.size**0.5, jnp.stack([elapsed, radial, deviation])])
            return radial - jnp.log(2.0) + (1 - elapsed) * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        """As a quadrature that is converged to rounding in float64."""
        return lqg_value(x[:-1] @ x[:-1], self.horizon - x[-1], dim=x.size - 1, mu=self.mu)

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x, t = np.asarray(points[:, :-1], float), np.asarray(points[:, -1], float)
        return lqg_values((x**2).sum(1), self.horizon - t, dim=x.shape[1], mu=self.mu)


def _control(
    dim: int, horizon: float, equation: _Linear | _LinearQuadraticGaussian, notes: tuple[str, ...]
) -> Problem:
    """An equation on [0, horizon] × R^dim, time last."""
    # The gradient is exact under every estimator.
    operators = {"u_t + Δu": BACKWARD_HEAT, "∇u": stde.Gradient(axes=slice(0, -1))}
    return Problem(
        [Condition("equation", BrownianPaths(dim, horizon), operators, equation.residual)],
        time=-1,
        arrow=-1,
        ansatz=equation.ansatz,
        solution=equation.solution,
        reference=equation.reference,
        origin=np.zeros(dim + 1),
        network=MLP(64, 3),
        training=Training((Adam(4000, 200, 2e-3),)),
        estimator=sampled(dim),
        plot=AlongPaths(Partial(brownian_paths, dim, horizon)),
        notes=notes,
    )
