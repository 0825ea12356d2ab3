"""Semilinear parabolic equations, backward in time (Han, Jentzen, E, 2018; STDE, 2024)."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_positive
from ..conditions import Condition
from ..diffusions import BrownianPaths
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..references import radial_solution
from ..settings import Training
from .parts import BACKWARD_HEAT, Semilinear, line_and_paths, sampled

_WIDTH = 5.0


def semilinear_heat(dim: int = 100, horizon: float = 0.3) -> Problem:
    """Semilinear heat equation u_t + Δu + (1−u²)/(1+u²) = 0, u(T, x) = 5/(10+2|x|²).

    The solution depends on t and |x| alone, and a one-dimensional equation gives it at any
    dimension and any point. Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024).
    Deviations: the terminal condition g is built into the ansatz `g(|x|² + 2d(T−t)) + s (T−t) net`, with
    s the reaction's size at the ends of the paths; errors are measured along the paths √2 W_t, and not
    at the origin alone; the network also sees log(5+|x|²), a feature of the terminal condition.
    Raises `ValueError` for dim < 1 or a horizon that is not positive.
    """
    return _radial(dim, horizon, _heat)


def sine_gordon_parabolic(dim: int = 100, horizon: float = 0.3) -> Problem:
    """Sine-Gordon equation u_t + Δu + sin u = 0, u(T, x) = 5/(10+2|x|²).

    The solution depends on t and |x| alone, and a one-dimensional equation gives it at any
    dimension and any point. Source: STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Deviations:
    those of `semilinear-heat`; and u is not multiplied by d, as it is in the published code: the
    network's output is scaled instead. Raises `ValueError` for dim < 1 or a horizon that is not positive.
    """
    return _radial(dim, horizon, jnp.sin)


def _heat(u: Array) -> Array:
    return (1 - u**2) / (1 + u**2)


def _terminal(squared_radius: Array) -> Array:
    return 5 / (10 + 2 * squared_radius)


def _radial(dim: int, horizon: float, reaction: Callable[[Array], Array]) -> Problem:
    """`u_t + Δu + reaction(u) = 0` on [0, horizon] × R^dim, time last."""
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    return Problem(
        [Condition("equation", BrownianPaths(dim, horizon), BACKWARD_HEAT, Semilinear(reaction))],
        time=-1,
        arrow=-1,
        ansatz=_RadialAnsatz(horizon, float(abs(reaction(_terminal(jnp.asarray(2.0 * dim * horizon)))))),
        reference=Partial(_reference, reaction, horizon),
        origin=np.zeros(dim + 1),
        network=MLP(64, 3),
        training=Training((Adam(4000, 200, 5e-3),)),
        estimator=sampled(dim),
        plot=line_and_paths(dim, horizon),
        notes=(
            "The network sees log(5+|x|²) beside x and t, a feature taken from the terminal condition, and "
            "the ansatz adds 5/(10+2|x|²+4d(T−t)), nearly the heat flow of the terminal condition.",
        ),
    )


class _RadialAnsatz(eqx.Module):
    """`g(|x|² + 2d(T−t)) + s (T−t) net`.

    The terminal condition at the mean squared distance to which |x|² is carried by T, nearly its heat flow,
    and a network in units of `s = reaction(g(2dT))`, the reaction's size at the ends of the paths.
    """

    horizon: float
    scale: float

    def __call__(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[:-1], point[-1:]
            squared_radius = x @ x
            radial = jnp.log(_WIDTH + squared_radius)
            features = jnp.concatenate([x / x.size**0.5, t / self.horizon, radial[None]])
            to_go = self.horizon - t[0]
            spread = _terminal(squared_radius + 2 * x.size * to_go)
            return spread + self.scale * to_go * network(features)

        return model


def _reference(
    reaction: Callable[[Array], Array], horizon: float, points: Float[Array, "n inputs"]
) -> Float[np.ndarray, " n"]:
    x, times = np.asarray(points[:, :-1], float), np.asarray(points[:, -1], float)
    size = {"dim": x.shape[1], "horizon": horizon, "width": _WIDTH}
    return radial_solution(reaction, _terminal, times=times, squared_radii=(x**2).sum(1), **size)
