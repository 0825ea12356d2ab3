"""Kuramoto-Sivashinsky equation: long waves that grow, steepen and are damped."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from .._settings import Training
from ..optimisers import GaussNewton
from .burgers_type import BurgersType
from .periodic_problem import PeriodicProblem


def kuramoto_sivashinsky(horizon: float = 8.0) -> PeriodicProblem:
    """Kuramoto-Sivashinsky equation u_t + uu_x + u_xx + u_xxxx = 0 on a ring of length 8π.

    u(x, 0) = cos(x/4)(1 + sin(x/4)), four times shorter a wave than that of Kassam and Trefethen
    (2005). It steepens to a front by t = 3, which stands until others grow beside it, about t = 10;
    from t = 20 on they move and merge, and small errors grow. The reference is a spectral solution.
    Source: Kuramoto (1978), Sivashinsky (1977). Raises `ValueError` for a horizon that is not positive.
    """
    return PeriodicProblem(
        BurgersType(1.0, ((2, 1.0), (4, 1.0))),
        _initial,
        length=8 * math.pi,
        horizon=horizon,
        harmonics=4,
        default_training=Training(steps=500, batch=200, gauss_newton=GaussNewton(steps=250, batch=400)),
    )


def _initial(x: Array) -> Array:
    return jnp.cos(x / 4) * (1 + jnp.sin(x / 4))
