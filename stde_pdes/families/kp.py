"""Kadomtsev-Petviashvili equation: line solitons and lumps."""

from typing import Literal

from jaxtyping import Array

import stde_core as stde

from .._settings import Training
from ..models import MLP
from ..optimisers import GaussNewton
from .known_on_a_box import KnownOnABox
from .lifting import Data
from .solitons import LineSoliton, Lump, TwoSolitons


def kp(
    sigma_squared: Literal[1, -1] = 1, solution: Literal["line", "two-line", "lump"] = "line"
) -> KnownOnABox:
    """Kadomtsev-Petviashvili equation (u_t + 6uu_x + u_xxx)_x + 3σ²u_yy = 0: line solitons, or a lump.

    σ² = −1 is KP-I, which alone has the lump, σ² = 1 KP-II. The exact solution is given on all sides
    of a square, and u_x on those across x, since the equation is of fourth order in x. Source:
    Kadomtsev and Petviashvili (1970); the form is that of STDE (Shi, Hu, Lin, Kawaguchi,
    NeurIPS 2024), which gives no solution; two line solitons: Satsuma (1976); the lump: Manakov et
    al. (1977). Raises `ValueError` for the lump of KP-II.
    """
    stde.check_choice("sigma_squared", sigma_squared, (1, -1))
    stde.check_choice("solution", solution, ("line", "two-line", "lump"))
    if solution == "lump" and sigma_squared == 1:
        raise ValueError("`solution` lump needs `sigma_squared` -1 (KP-I); with 1 there is no lump.")
    solutions: dict[str, Data] = {
        "line": _line(1.0, 0.5, sigma_squared),
        "two-line": _two_lines((2.0, 1.4), (0.3, -0.2), sigma_squared),
        "lump": Lump(0.7),
    }
    d_x, d_y, d_t = stde.partials(3)
    return KnownOnABox(
        dim=2,
        solution=solutions[solution],
        bounds=((-3.0, 3.0), (-3.0, 3.0), (0.0, 0.5)),
        orders=((2, 2), (1, 1)),
        operators={"u_x": d_x, "u_xx": d_x**2, "linear": d_t * d_x + d_x**4 + 3 * sigma_squared * d_y**2},
        equation=lambda x, u, values: residual(u, values),
        default_network=MLP(width=32, depth=3),
        default_training=Training(steps=500, batch=200, gauss_newton=GaussNewton(steps=600, batch=700)),
    )


def residual(u: Array, values: dict[str, Array]) -> Array:
    """(u_t + 6uu_x + u_xxx)_x + 3σ²u_yy from u_x, u_xx and the linear part."""
    return values["linear"] + 6 * (values["u_x"] ** 2 + u * values["u_xx"])


def _line(k: float, l: float, sigma_squared: int) -> LineSoliton:  # noqa: E741
    """2k² sech²(kx + ly − ωt), ω = 4k³ + 3σ²l²/k."""
    return LineSoliton(2 * k**2, (k, l, -(4 * k**3 + 3 * sigma_squared * l**2 / k)))


def _two_lines(k: tuple[float, float], p: tuple[float, float], sigma_squared: int) -> TwoSolitons:
    """Waves exp(K(x + Py − (K² + 3σ²P²)t)); A = ((K₁−K₂)² − σ²(P₁−P₂)²) / ((K₁+K₂)² − σ²(P₁−P₂)²)."""
    first, second = ((K, K * P, -K * (K**2 + 3 * sigma_squared * P**2)) for K, P in zip(k, p, strict=True))
    oblique = sigma_squared * (p[0] - p[1]) ** 2
    interaction = ((k[0] - k[1]) ** 2 - oblique) / ((k[0] + k[1]) ** 2 - oblique)
    return TwoSolitons((first, second), (0.0, 0.0), interaction)
