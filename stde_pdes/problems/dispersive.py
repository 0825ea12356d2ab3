"""Dispersive equations with solitons: Korteweg-de Vries in one and two dimensions, Kadomtsev-Petviashvili."""

import math
from dataclasses import replace
from typing import Any, Literal

import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array

import stde_core as stde

from .._checks import check_positive
from ..ansatz import Function
from ..optimisers import Adam, GaussNewton
from ..problem import Problem
from ..settings import Training
from .periodic import BurgersType, Start, periodic_problem
from .solitons import LineKink, LineSoliton, Lump, TwoSolitons, known_on_a_box

_ADAM = Adam(500, batch=200)


def kdv(solution: Literal["soliton", "two-soliton", "cosine"] = "soliton") -> Problem:
    """Korteweg-de Vries equation u_t + 6uu_x + u_xxx = 0: one soliton, two that collide, or a cosine.

    The cosine steepens on a ring until solitons leave it, as Zabusky and Kruskal (1965) saw; its
    reference is a spectral solution. On the line, u is given on both ends of an interval and u_x on
    the right one, as the equation needs. Source: Korteweg and de Vries (1895); two solitons by
    Hirota (1971).
    """
    stde.check_choice("solution", solution, ("soliton", "two-soliton", "cosine"))
    equation = BurgersType(6.0, ((3, 1.0),))
    if solution == "cosine":
        training = Training((_ADAM, GaussNewton(800, 800)))
        return periodic_problem(Start(equation, Partial(_cosine, 10.0), 10.0, horizon=1.0), training)
    if solution == "two-soliton":
        training = Training((_ADAM, GaussNewton(1000, 1000, damping=1e-6)))
        return _on_the_line(equation, _two_solitons(1.0, 0.6, -4.0, -1.0), (-15.0, 15.0), 1.5, training)
    training = Training((_ADAM, GaussNewton(500, 1000, damping=1e-6)))
    soliton = LineSoliton(2.0, (1.0, -4.0), shift=-2.0)
    return _on_the_line(equation, soliton, (-10.0, 10.0), 1.0, training)


def g_kdv(solution: Literal["soliton", "cosine"] = "soliton", alpha: float = 0.0025) -> Problem:
    """Korteweg-de Vries equation u_t + uu_x + αu_xxx = 0, trained with the gradient of its residual too.

    The soliton is 3c sech²(√(c/4α)(x − ct + c/2)) with c = 1/2; the cosine, on a ring of length 2, is the
    problem of Raissi, Perdikaris, Karniadakis (2019), where a spectral solution is the reference.
    The equation and the weight 1e-3 of the squared x- and t-derivatives of the residual are those of
    STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), which gives no solution. Raises
    `ValueError` for α that is not positive.
    """
    stde.check_choice("solution", solution, ("soliton", "cosine"))
    check_positive("alpha", alpha)
    equation = BurgersType(1.0, ((3, alpha),))
    training = Training((_ADAM, GaussNewton(200, 250)), gpinn_weight=1e-3)
    if solution == "cosine":
        training = replace(training, stages=(_ADAM, GaussNewton(700, 300, schedule="linear")))
        return periodic_problem(Start(equation, Partial(_cosine, 2.0), 2.0, horizon=1.0), training, width=48)
    speed = 0.5
    wave = math.sqrt(speed / (4 * alpha))
    soliton = LineSoliton(3 * speed, (wave, -wave * speed), shift=-speed / 2 * wave)
    return _on_the_line(equation, soliton, (-1.0, 1.0), 1.0, training)


def _on_the_line(
    equation: BurgersType, solution: Function, interval: tuple[float, float], end: float, training: Training
) -> Problem:
    bounds = (interval, (0.0, end))
    return known_on_a_box(solution, bounds, ((1, 2),), equation.operators, equation.residual, training)


def _two_solitons(k: float, l: float, k_start: float, l_start: float) -> TwoSolitons:  # noqa: E741
    """Solitons of KdV with wave numbers k and l, that of one alone at `start` when t = 0."""
    waves = ((2 * k, -8 * k**3), (2 * l, -8 * l**3))
    return TwoSolitons(waves, (2 * k * k_start, 2 * l * l_start), ((k - l) / (k + l)) ** 2)


def _cosine(length: float, x: Array) -> Array:
    return jnp.cos(2 * math.pi / length * x)


def kdv_2d() -> Problem:
    """Korteweg-de Vries equation in 2-D, u_ty + u_xxxy + 3(u_yu_x)_x − u_xx + 2u_yy = 0, with a kink.

    u = 2k tanh(kx + ly + ωt), ω = (k² − 2l² − 4k³l)/l, is given on all sides of a square, and u_x on
    that of the largest x, since the equation is of third order in x. The equation is that of STDE
    (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), which gives no solution.
    """
    k, l = 1.0, 0.5  # noqa: E741
    d_x, d_y, d_t = stde.partials(3)
    operators = {
        "u_x": d_x,
        "u_y": d_y,
        "u_xx": d_x**2,
        "u_xy": d_x * d_y,
        "linear": d_t * d_y + d_x**3 * d_y + 2 * d_y**2,
    }
    kink = LineKink(2 * k, (k, l, (k**2 - 2 * l**2 - 4 * k**3 * l) / l))
    bounds = ((-5.0, 5.0), (-5.0, 5.0), (0.0, 0.5))
    training = Training((_ADAM, GaussNewton(250, 400)))
    return known_on_a_box(kink, bounds, ((1, 2), (1, 1)), operators, kdv_2d_residual, training)


def kdv_2d_residual(x: Any, u: Array, values: dict[str, Array]) -> Array:
    """u_ty + u_xxxy + 3(u_yu_x)_x − u_xx + 2u_yy from its factors and the linear part, −u_xx apart."""
    products = values["u_xy"] * values["u_x"] + values["u_y"] * values["u_xx"]
    return values["linear"] + 3 * products - values["u_xx"]


def kp(sigma_squared: Literal[1, -1] = 1, solution: Literal["line", "two-line", "lump"] = "line") -> Problem:
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
    solutions: dict[str, Function] = {
        "line": _line(1.0, 0.5, sigma_squared),
        "two-line": _two_lines((2.0, 1.4), (0.3, -0.2), sigma_squared),
        "lump": Lump(0.7),
    }
    d_x, d_y, d_t = stde.partials(3)
    operators = {"u_x": d_x, "u_xx": d_x**2, "linear": d_t * d_x + d_x**4 + 3 * sigma_squared * d_y**2}
    bounds = ((-3.0, 3.0), (-3.0, 3.0), (0.0, 0.5))
    training = Training((_ADAM, GaussNewton(600, 700)))
    return known_on_a_box(solutions[solution], bounds, ((2, 2), (1, 1)), operators, kp_residual, training)


def kp_residual(x: Any, u: Array, values: dict[str, Array]) -> Array:
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
