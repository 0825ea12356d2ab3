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
from .fixed_draws import mean_square
from .interactions import ManyBody, random_coefficients, three_body, two_body


def poisson_two_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Poisson equation Δu = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`.
    """
    return _two_body(dim, coefficient_seed, _poisson)


def allen_cahn_two_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Allen-Cahn equation Δu + u − u³ = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`.
    """
    return _two_body(dim, coefficient_seed, _allen_cahn)


def sine_gordon_two_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Sine-Gordon equation Δu + sin u = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`.
    """
    return _two_body(dim, coefficient_seed, jnp.sin)


def poisson_three_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Poisson equation Δu = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, _poisson)


def allen_cahn_three_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Allen-Cahn equation Δu + u − u³ = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, _allen_cahn)


def sine_gordon_three_body(dim: int = 100, coefficient_seed: int = 0) -> "BallProblem":
    """Sine-Gordon equation Δu + sin u = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `BallProblem`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, jnp.sin)


def _two_body(dim: int, coefficient_seed: int, reaction: Callable[[Array], Array]) -> "BallProblem":
    coefficients = random_coefficients(dim, coefficient_seed, 2)
    solution = ManyBody(coefficients, 2, ((_vanishing, two_body),))
    return BallProblem(solution, reaction, MLP(width=128, depth=3), Training(steps=4000, learning_rate=2e-3))


def _three_body(dim: int, coefficient_seed: int, reaction: Callable[[Array], Array]) -> "BallProblem":
    coefficients = random_coefficients(dim, coefficient_seed, 3)
    solution = ManyBody(coefficients, 3, ((_vanishing, three_body),))
    # The sum is a constant but for a part of order 1/d: few units settle there, more would only add noise.
    training = Training(steps=20_000, batch=200, learning_rate=2e-3, schedule="cosine")
    return BallProblem(solution, reaction, MLP(width=16, depth=1), training)


def _vanishing(squared_radius: Array) -> Array:
    """0 on the unit sphere."""
    return 1 - squared_radius


def _poisson(u: Array) -> Array:
    return jnp.zeros_like(u)


def _allen_cahn(u: Array) -> Array:
    return u - u**3


class BallProblem(AbstractProblem):
    """`Δu + reaction(u) = g` on the unit ball, u = 0 on the sphere, with g made from an exact solution.

    The right-hand side costs O(d) in time and memory (`ManyBody`). Deviations from STDE: the network
    sees √d·x, whose entries are of order 1, and its output is scaled by rms(g)/(2d).
    """

    solution: ManyBody
    reaction: Callable[[Array], Array] = eqx.field(static=True)
    default_network: MLP = eqx.field(static=True)
    default_training: Training = eqx.field(static=True)
    output_scale: float = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=0)
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    def __init__(
        self, solution: ManyBody, reaction: Callable[[Array], Array], network: MLP, training: Training
    ):
        self.solution, self.reaction = solution, reaction
        self.default_network, self.default_training = network, training
        rms = jnp.sqrt(mean_square(self.source, UnitBall(self.dim)))
        self.output_scale = float(rms) / (2 * self.dim)

    @property
    def dim(self) -> int:
        return self.solution.dim

    @property
    def num_features(self) -> int:
        return self.dim

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

    def source(self, x: stde.Point) -> Array:
        """`g = Δu + reaction(u)` of the exact solution."""
        return self.solution.laplacian()(x) + self.reaction(self.solution(x))

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return np.asarray(jax.lax.map(self.solution, points, batch_size=256))

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        return "stde", {"num_samples": min(16, dim)}

    @property
    def view(self) -> AbstractView:
        return PredictedAgainstTrue()
