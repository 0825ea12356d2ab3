"""Korteweg-de Vries equation in two dimensions of space."""

from jaxtyping import Array

import stde_core as stde

from .._settings import Training
from ..models import MLP
from ..optimisers import GaussNewton
from .known_on_a_box import KnownOnABox
from .solitons import LineKink


def kdv_2d() -> KnownOnABox:
    """Korteweg-de Vries equation in 2-D, u_ty + u_xxxy + 3(u_yu_x)_x − u_xx + 2u_yy = 0, with a kink.

    u = 2k tanh(kx + ly + ωt), ω = (k² − 2l² − 4k³l)/l, is given on all sides of a square, and u_x on
    that of the largest x, since the equation is of third order in x. The equation is that of STDE
    (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), which gives no solution.
    """
    k, l = 1.0, 0.5  # noqa: E741
    d_x, d_y, d_t = stde.partials(3)
    return KnownOnABox(
        dim=2,
        solution=LineKink(2 * k, (k, l, (k**2 - 2 * l**2 - 4 * k**3 * l) / l)),
        bounds=((-5.0, 5.0), (-5.0, 5.0), (0.0, 0.5)),
        orders=((1, 2), (1, 1)),
        operators={
            "u_x": d_x,
            "u_y": d_y,
            "u_xx": d_x**2,
            "u_xy": d_x * d_y,
            "linear": d_t * d_y + d_x**3 * d_y + 2 * d_y**2,
        },
        equation=lambda x, u, values: residual(u, values),
        default_network=MLP(width=32, depth=3),
        default_training=Training(steps=500, batch=200, gauss_newton=GaussNewton(steps=250, batch=400)),
    )


def residual(u: Array, values: dict[str, Array]) -> Array:
    """u_ty + u_xxxy + 3(u_yu_x)_x − u_xx + 2u_yy from its factors and the linear part, −u_xx apart."""
    products = values["u_xy"] * values["u_x"] + values["u_y"] * values["u_xx"]
    return values["linear"] + 3 * products - values["u_xx"]
