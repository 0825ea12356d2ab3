"""The biharmonic equation on a ball and on a shell, with u and its normal derivative on the sides."""

import dataclasses
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
from ..domains import AbstractDomain, Shell, Spheres, UnitBall
from ..models import MLP
from ..report.views import PredictedAgainstTrue
from .fixed_draws import mean_square
from .interactions import ManyBody, Radial, random_coefficients, three_body


def biharmonic(
    dim: int = 20, coefficient_seed: int = 0, domain: Literal["ball", "shell"] = "shell"
) -> "BiharmonicProblem":
    """Biharmonic equation Δ²u = g on the unit ball or the shell 1 < |x| < 2, with u and ∂u/∂n on its sides.

    Exact solution `a(|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1), on the shell with
    a = (1−|x|²)(4−|x|²), on the ball with a = (1−|x|²)². The ansatz is a times a network. On the ball
    it fulfils both conditions, u = ∂u/∂n = 0; on the shell u = 0, and a condition asks for ∂u/∂n.
    Source: HTE (Hu, Shi, Karniadakis, Kawaguchi, 2024) for the shell, STDE (Shi, Hu, Lin, Kawaguchi,
    NeurIPS 2024), appendix H, for the sum. Deviations: ∂u/∂n is asked for, without which an equation
    of fourth order has many solutions; the ball's solution is ours; both residuals are relative to the root
    mean square of their right-hand sides; the network sees √d·x, and its output is scaled by
    rms(g)/(8d(d+2)), the right-hand side of a itself being 8d(d+2).
    """
    stde.check_choice("domain", domain, ("ball", "shell"))
    coefficients = random_coefficients(dim, coefficient_seed, 3)
    vanishing, points, sides = _between, Shell(dim, 1.0, 2.0), Spheres(dim, (1.0, 2.0))
    if domain == "ball":
        vanishing, points, sides = _clamped, UnitBall(dim), None
    solution = ManyBody(coefficients, 3, ((vanishing, three_body),))
    unscaled = BiharmonicProblem(vanishing, solution, points, sides, 1.0, (1.0, 1.0))
    squares = [_mean_square(condition) for condition in unscaled.conditions]
    return dataclasses.replace(
        unscaled,
        output_scale=squares[0] ** 0.5 / (8 * dim * (dim + 2)),
        weights=tuple(1 / square for square in squares),
    )


def _clamped(squared_radius: Array) -> Array:
    """0 on the unit sphere, its derivative too."""
    return (1 - squared_radius) ** 2


def _between(squared_radius: Array) -> Array:
    """0 on the spheres of radius 1 and 2."""
    return (1 - squared_radius) * (4 - squared_radius)


class BiharmonicProblem(AbstractProblem):
    """`Δ²u = g` with u = 0, and ∂u/∂n known, on spheres; g and ∂u/∂n cost O(d) in time and memory.

    - `vanishing`: the factor a(|x|²) of ansatz and solution that is 0 on the spheres.
    - `sides`: where ∂u/∂n is asked for; None where the ansatz fulfils it.
    """

    vanishing: Radial = eqx.field(static=True)
    solution: ManyBody
    points: AbstractDomain
    sides: AbstractDomain | None
    output_scale: float = eqx.field(static=True)
    weights: tuple[float, ...] = eqx.field(static=True)
    time_arrow: Literal[-1, 0, 1] = eqx.field(static=True, default=0)
    origin: None = eqx.field(static=True, default=None)
    notes: tuple[str, ...] = eqx.field(static=True, default=())
    default_network: MLP = eqx.field(static=True, default=MLP(width=128, depth=3))
    default_training: Training = eqx.field(
        static=True, default=Training(steps=4000, learning_rate=2e-3, schedule="cosine")
    )

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
        equation = Condition(
            "equation", self.points, stde.Biharmonic(), _value, self.weights[0], source=self.source
        )
        if self.sides is None:
            return (equation,)
        slope = stde.Directional(_normal)
        return equation, Condition(
            "normal derivative",
            self.sides,
            slope,
            _value,
            self.weights[1],
            source=self.normal_derivative,
            differentiable=False,
        )

    def ansatz(self, network: stde.Model) -> stde.Model:
        return lambda x: self.output_scale * self.vanishing(x @ x) * network(self.dim**0.5 * x)

    def source(self, x: stde.Point) -> Array:
        """`g = Δ²u` of the exact solution."""
        return self.solution.laplacian().laplacian()(x)

    def normal_derivative(self, x: stde.Point) -> Array:
        """`x·∇u/|x|` of the exact solution."""
        return jax.jvp(self.solution, (x,), (_normal(x),))[1]

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return np.asarray(jax.lax.map(self.solution, points, batch_size=256))

    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        # On a sphere |v| is fixed, so that the radial part of Δ²u, the largest, is sampled without variance.
        return "stde", {"num_samples": 8, "sampler": stde.Sphere()}

    @property
    def view(self) -> AbstractView:
        return PredictedAgainstTrue()


def _value(x: stde.Point, u: Array, value: Array) -> Array:
    return value


def _normal(x: stde.Point) -> Array:
    return x / jnp.linalg.norm(x)


def _mean_square(condition: Condition) -> float:
    """Of the right-hand side."""
    assert condition.source is not None
    return float(mean_square(condition.source, condition.points))
