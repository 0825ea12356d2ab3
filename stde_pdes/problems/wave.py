"""The wave equation, of second order in time."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_positive
from ..conditions import Condition
from ..domains import Interval, RadialBall
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..report.plots import HeatMaps
from ..settings import Training
from .parts import sampled


def wave(dim: int = 3, horizon: float = 1.0) -> Problem:
    """Wave equation u_tt = Δu on the unit ball, u = Σ sinh x_i and u_t = 0 at t = 0.

    Exact solution `cosh t Σ sinh x_i`, which gives the values on the sphere. Source: the code of STDE
    (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviation: the values on the sphere are built into the
    ansatz beside the initial values. Raises `ValueError` for dim < 1, or a horizon that is not positive.
    """
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    # Apart, since in their difference u_tt would be one of the terms that are sampled.
    operators = {"u_tt": stde.partial(-1) ** 2, "Δu": stde.Laplacian(axes=slice(0, -1))}
    points = RadialBall(dim) * Interval(0.0, horizon)
    return Problem(
        [Condition("equation", points, operators, _residual)],
        time=-1,
        ansatz=_WaveAnsatz(horizon),
        solution=_solution,
        reference=_reference,
        network=MLP(64, 3),
        training=Training((Adam(4000, 200, 3e-3),)),
        estimator=sampled(dim),
        plot=HeatMaps((dim, 0.0, horizon), (0, -1.0, 1.0), (0.0,) * (dim + 1), ("t", "x₁ (others 0)")),
    )


def _residual(x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
    return values["u_tt"] - values["Δu"]


class _WaveAnsatz(eqx.Module):
    """`u₀(x) + |x|³ (h − u₀)(x/|x|, t) + t² (1 − |x|²) net`, which has all values that are given.

    h are those on the sphere, u₀ those at the start; the cube is the least power that leaves Δ continuous at
    x = 0. Points are `(x, t)`, time last.
    """

    horizon: float

    def __call__(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[:-1], point[-1]
            squared_radius = x @ x
            centre = squared_radius == 0
            # At the centre |x|³ and two derivatives are 0, but not its factors.
            radius = jnp.sqrt(jnp.where(centre, 1.0, squared_radius))
            on_sphere = x / radius
            missing = _on_the_sphere(on_sphere, t) - _at_the_start(on_sphere)
            lift = jnp.where(centre, 0.0, radius**3 * missing)
            net = network(jnp.append(x.size**0.5 * x, t / self.horizon))
            return _at_the_start(x) + lift + t**2 * (1 - squared_radius) * net

        return model


def _at_the_start(x: Float[Array, " dim"]) -> Float[Array, ""]:
    """The initial values u(x, 0); u_t(x, 0) is 0."""
    return jnp.sum(jnp.sinh(x))


def _on_the_sphere(x: Float[Array, " dim"], t: Float[Array, ""]) -> Float[Array, ""]:
    """The values u(x, t) on the unit sphere."""
    return jnp.cosh(t) * jnp.sum(jnp.sinh(x))


def _solution(x: stde.Point) -> Array:
    return jnp.cosh(x[-1]) * jnp.sum(jnp.sinh(x[:-1]))


def _reference(points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
    x = np.asarray(points, float)
    return np.cosh(x[:, -1]) * np.sinh(x[:, :-1]).sum(1)
