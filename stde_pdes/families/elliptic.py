"""Elliptic equations on the unit ball with u = 0 on the sphere (STDE, appendix H)."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._problem import AbstractProblem, Condition
from .._settings import Training
from .._view import AbstractView
from ..domains import UnitBall
from ..models import MLP
from ..report.views import PredictedAgainstTrue


def allen_cahn_two_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Allen-Cahn equation Δu + u − u³ = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: the network sees
    √d·x, whose entries are of order 1, and its output is scaled by rms(g)/(2d).
    """
    return BallProblem(dim, coefficient_seed, reaction=_allen_cahn)


def _allen_cahn(u: Array) -> Array:
    return u - u**3


def sine_gordon_two_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Sine-Gordon equation Δu + sin u = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: the network sees
    √d·x, whose entries are of order 1, and its output is scaled by rms(g)/(2d).
    """
    return BallProblem(dim, coefficient_seed, reaction=jnp.sin)


class BallProblem(AbstractProblem):
    """`Δu + reaction(u) = g` on the unit ball, u = 0 on the sphere, with g made from an exact solution.

    The right-hand side costs O(d): the sum in the solution has a tridiagonal Hessian, so two
    2-jets, along the indicators of the even and of the odd coordinates, give its trace exactly.
    Raises `ValueError` for dim < 2, or a seed that is no integer ≥ 0.
    """

    dim: int = eqx.field(static=True)
    coefficients: Float[Array, " dim-1"]
    reaction: Callable[[Array], Array] = eqx.field(static=True)
    output_scale: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=0)
    error_points: Literal["domain", "origin"] = eqx.field(static=True, default="domain")
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())
    default_network: MLP = eqx.field(static=True, default=MLP(width=128, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, batch=100, learning_rate=2e-3)
    )

    def __init__(self, dim: int, coefficient_seed: int, reaction: Callable[[Array], Array]):
        stde.check_count("dim", dim, least=2)
        stde.check_count("coefficient_seed", coefficient_seed, least=0)
        self.dim, self.reaction = dim, reaction
        self.coefficients = jax.random.normal(jax.random.key(coefficient_seed), (dim - 1,))
        self.output_scale = 1.0
        self.output_scale = float(self._rms_source()) / (2 * dim)

    @property
    def num_features(self) -> int:
        return self.num_inputs

    @property
    def num_inputs(self) -> int:
        return self.dim

    @property
    def conditions(self) -> tuple[Condition, ...]:
        points, operator = UnitBall(self.dim), stde.Laplacian()
        return (Condition("equation", points, operator, self._residual, source=self.source),)

    def _residual(self, x: stde.Point, u: Array, laplacian: Array) -> Array:
        return laplacian + self.reaction(u)

    def ansatz(self, network: stde.Model) -> stde.Model:
        return lambda x: self.output_scale * (1 - x @ x) * network(self.dim**0.5 * x)

    def solution(self, x: stde.Point) -> Array:
        """The exact solution."""
        return (1 - x @ x) * jnp.sum(self.coefficients.astype(x.dtype) * _pair(x[:-1], x[1:]))

    def source(self, x: stde.Point) -> Array:
        """`g = Δu + reaction(u)` of the exact solution u = (1−|x|²) b(x)."""
        c, left, right = self.coefficients.astype(x.dtype), x[:-1], x[1:]
        b, slope = jax.jvp(_pair, (left, right), (left, right))
        curvature = _second(lambda y: _pair(y, right), left) + _second(lambda y: _pair(left, y), right)
        b, slope, curvature = (jnp.sum(c * terms) for terms in (b, slope, curvature))
        # Δ(ab) = aΔb + 2∇a·∇b + bΔa with a = 1 − |x|², ∇a = −2x, Δa = −2d.
        laplacian = (1 - x @ x) * curvature - 4 * slope - 2 * self.dim * b
        return laplacian + self.reaction((1 - x @ x) * b)

    def _rms_source(self) -> Array:
        points = UnitBall(self.dim)(64, key=jax.random.key(0))
        return jnp.sqrt(jnp.mean(jax.lax.map(self.source, points) ** 2))

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return np.asarray(jax.lax.map(self.solution, points, batch_size=256))

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> AbstractView:
        return PredictedAgainstTrue()


def _pair(left: Array, right: Array) -> Array:
    """The interaction of each pair of neighbouring coordinates."""
    return jnp.sin(left + jnp.cos(right) + right * jnp.cos(left))


def _second(function: Callable[[Array], Array], x: Array) -> Array:
    """The second derivative of a function that acts entry by entry."""
    one = jnp.ones_like(x)
    return jax.jvp(lambda y: jax.jvp(function, (y,), (one,))[1], (x,), (one,))[1]
