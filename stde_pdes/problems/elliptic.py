"""Elliptic equations with u = 0 on spheres, of second and of fourth order (STDE, appendix H)."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array

import stde_core as stde

from ..conditions import Condition
from ..domains import RadialBall, Shell, Spheres
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..report.plots import PredictedAgainstTrue
from ..settings import Training
from .interactions import ManyBody, OnSpheres, mean_square, random_coefficients, three_body, two_body
from .parts import Semilinear, allen_cahn, sampled


def poisson_two_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Poisson equation Δu = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1); g is made
    from it at a cost of O(d) in time and memory. Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024),
    appendix H. Deviations: the network sees √d·x, whose entries are of order 1, and its output is scaled by
    rms(g)/(2d).
    """
    return _two_body(dim, coefficient_seed, jnp.zeros_like)


def allen_cahn_two_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Allen-Cahn equation Δu + u − u³ = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `poisson-two-body`.
    """
    return _two_body(dim, coefficient_seed, allen_cahn)


def sine_gordon_two_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Sine-Gordon equation Δu + sin u = g on the unit ball, with pairwise interacting coordinates.

    Exact solution `(1−|x|²) Σ_{i<d} c_i sin(x_i + cos x_{i+1} + x_{i+1} cos x_i)`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `poisson-two-body`.
    """
    return _two_body(dim, coefficient_seed, jnp.sin)


def poisson_three_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Poisson equation Δu = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `poisson-two-body`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, jnp.zeros_like)


def allen_cahn_three_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Allen-Cahn equation Δu + u − u³ = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `poisson-two-body`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, allen_cahn)


def sine_gordon_three_body(dim: int = 100, coefficient_seed: int = 0) -> Problem:
    """Sine-Gordon equation Δu + sin u = g on the unit ball, with coordinates that interact in threes.

    Exact solution `(1−|x|²) Σ_{i<d−1} c_i exp(x_i x_{i+1} x_{i+2})`, c_i ~ N(0, 1).
    Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), appendix H. Deviations: those of `poisson-two-body`;
    the published code's right-hand side drops factors, and belongs to another solution.
    """
    return _three_body(dim, coefficient_seed, jnp.sin)


def _two_body(dim: int, coefficient_seed: int, reaction: Callable[[Array], Array]) -> Problem:
    solution = ManyBody(random_coefficients(dim, coefficient_seed, 2), 2, ((_on_the_sphere, two_body),))
    return _on_the_ball(solution, reaction, MLP(128, 3), Training((Adam(4000, learning_rate=2e-3),)))


def _three_body(dim: int, coefficient_seed: int, reaction: Callable[[Array], Array]) -> Problem:
    solution = ManyBody(random_coefficients(dim, coefficient_seed, 3), 3, ((_on_the_sphere, three_body),))
    # The sum is a constant but for a part of order 1/d: few units settle there, more would only add noise.
    return _on_the_ball(solution, reaction, MLP(16, 1), Training((Adam(20_000, 200, 2e-3, "cosine"),)))


def _on_the_ball(
    solution: ManyBody, reaction: Callable[[Array], Array], network: MLP, training: Training
) -> Problem:
    """`Δu + reaction(u) = g` on the unit ball, u = 0 on the sphere."""
    dim = solution.dim
    points, source = RadialBall(dim), Partial(_semilinear_source, solution, reaction)
    scale = float(jnp.sqrt(mean_square(source, points))) / (2 * dim)
    return Problem(
        [Condition("equation", points, stde.Laplacian(), Semilinear(reaction), source=source)],
        ansatz=OnSpheres(_on_the_sphere, scale),
        solution=solution,
        network=network,
        training=training,
        estimator=sampled(dim),
        plot=PredictedAgainstTrue(),
    )


def _semilinear_source(solution: ManyBody, reaction: Callable[[Array], Array], x: stde.Point) -> Array:
    """`g = Δu + reaction(u)` of the exact solution."""
    return solution.laplacian()(x) + reaction(solution(x))


def biharmonic(
    dim: int = 20, coefficient_seed: int = 0, domain: Literal["ball", "shell"] = "shell"
) -> Problem:
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
    factor = _clamped if domain == "ball" else _on_both_spheres
    solution = ManyBody(coefficients, 3, ((factor, three_body),))
    points, source = (
        (RadialBall(dim) if domain == "ball" else Shell(dim, 1.0, 2.0)),
        Partial(_biharmonic_source, solution),
    )
    square = float(mean_square(source, points))
    conditions = [Condition("equation", points, stde.Biharmonic(), _value, 1 / square, source)]
    if domain == "shell":
        sides, slope = Spheres(dim, (1.0, 2.0)), Partial(_normal_derivative, solution)
        weight = 1 / float(mean_square(slope, sides))
        operator = stde.Directional(_normal)
        # Off the sides, the derivative of its right-hand side would tell of the solution.
        conditions.append(Condition("normal derivative", sides, operator, _value, weight, slope, False))
    return Problem(
        conditions,
        ansatz=OnSpheres(factor, square**0.5 / (8 * dim * (dim + 2))),
        solution=solution,
        network=MLP(128, 3),
        training=Training((Adam(4000, 100, 2e-3, "cosine"),)),
        # On a sphere |v| is fixed, so that the radial part of Δ²u, the largest, is sampled without variance.
        estimator=stde.get_estimator("stde", num_samples=8, sampler=stde.Sphere()),
        plot=PredictedAgainstTrue(),
    )


def _biharmonic_source(solution: ManyBody, x: stde.Point) -> Array:
    """`g = Δ²u` of the exact solution."""
    return solution.laplacian().laplacian()(x)


def _normal_derivative(solution: ManyBody, x: stde.Point) -> Array:
    """`x·∇u/|x|` of the exact solution."""
    return jax.jvp(solution, (x,), (_normal(x),))[1]


def _on_the_sphere(squared_radius: Array) -> Array:
    """0 on the unit sphere."""
    return 1 - squared_radius


def _on_both_spheres(squared_radius: Array) -> Array:
    """0 on the spheres of radius 1 and 2."""
    return (1 - squared_radius) * (4 - squared_radius)


def _clamped(squared_radius: Array) -> Array:
    """0 on the unit sphere, its derivative too."""
    return (1 - squared_radius) ** 2


def _value(x: stde.Point, u: Array, value: Array) -> Array:
    return value


def _normal(x: stde.Point) -> Array:
    return x / jnp.linalg.norm(x)
