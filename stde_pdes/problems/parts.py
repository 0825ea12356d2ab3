"""What several problems are made of: reactions, operators, the usual estimator, and paths to look along."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float

import stde_core as stde

from ..report.plots import SpaceAndTime

# Along paths √2 W_t; no time among the inputs that are sampled.
BACKWARD_HEAT = stde.partial(-1) + stde.Laplacian(axes=slice(0, -1))


class Semilinear(eqx.Module):
    """The residual `L u + reaction(u)` of a linear operator L."""

    reaction: Callable[[Array], Array]

    def __call__(self, x: stde.Point, u: Array, linear: Array) -> Array:
        return linear + self.reaction(u)


def allen_cahn(u: Array) -> Array:
    """The reaction of the Allen-Cahn equation."""
    return u - u**3


def sampled(dim: int, **fields: Any) -> stde.AbstractEstimator:
    """The estimator `stde` with 16 samples, or with all terms where these are fewer."""
    return stde.get_estimator("stde", num_samples=min(16, dim), **fields)


_PATHS, _STEPS = 5, 120


def brownian_paths(dim: int, horizon: float) -> Float[np.ndarray, "paths times inputs"]:
    """Five paths `(√2 W_t, t)` from the origin, always the same."""
    times = np.linspace(0, horizon, _STEPS + 1)
    steps = np.random.default_rng(0).normal(size=(_PATHS, _STEPS, dim)) * (2 * times[1]) ** 0.5
    positions = np.concatenate([np.zeros((_PATHS, 1, dim)), np.cumsum(steps, axis=1)], axis=1)
    clock = np.broadcast_to(times[:, None], (_PATHS, _STEPS + 1, 1))
    return np.concatenate([positions, clock], axis=2)


def line_and_paths(dim: int, horizon: float) -> SpaceAndTime:
    """u along a line through the origin, over time there, and along these paths."""
    paths = Partial(brownian_paths, dim, horizon)
    return SpaceAndTime(paths, np.eye(1, dim)[0], reach=3 * (2 * horizon) ** 0.5)
