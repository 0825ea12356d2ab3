"""Korteweg-de Vries equations: solitons on the line, and waves on a ring."""

import math
from dataclasses import replace
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

import stde_core as stde

from .._checks import check_positive
from .._settings import Training
from ..models import MLP
from ..optimisers import GaussNewton
from .burgers_type import BurgersType
from .known_on_a_box import KnownOnABox
from .lifting import Data
from .periodic_problem import PeriodicProblem
from .solitons import LineSoliton, TwoSolitons


def kdv(solution: Literal["soliton", "two-soliton", "cosine"] = "soliton") -> "KnownOnABox | PeriodicProblem":
    """Korteweg-de Vries equation u_t + 6uu_x + u_xxx = 0: one soliton, two that collide, or a cosine.

    The cosine steepens on a ring until solitons leave it, as Zabusky and Kruskal (1965) saw; its
    reference is a spectral solution. On the line, u is given on both ends of an interval and u_x on
    the right one, as the equation needs. Source: Korteweg and de Vries (1895); two solitons by
    Hirota (1971).
    """
    stde.check_choice("solution", solution, ("soliton", "two-soliton", "cosine"))
    equation = BurgersType(6.0, ((3, 1.0),))
    if solution == "cosine":
        training = Training(steps=500, batch=200, gauss_newton=GaussNewton(steps=800, batch=800))
        return PeriodicProblem(
            equation, _cosine(10.0), 10.0, horizon=1.0, harmonics=4, default_training=training
        )
    if solution == "two-soliton":
        training = Training(
            steps=500, batch=200, gauss_newton=GaussNewton(steps=1000, batch=1000, damping=1e-6)
        )
        return _on_the_line(equation, _two_solitons(1.0, 0.6, -4.0, -1.0), (-15.0, 15.0), 1.5, training)
    training = Training(steps=500, batch=200, gauss_newton=GaussNewton(steps=500, batch=1000, damping=1e-6))
    soliton = LineSoliton(2.0, (1.0, -4.0), shift=-2.0)
    return _on_the_line(equation, soliton, (-10.0, 10.0), 1.0, training)


def g_kdv(
    solution: Literal["soliton", "cosine"] = "soliton", alpha: float = 0.0025
) -> "KnownOnABox | PeriodicProblem":
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
    training = Training(steps=500, batch=200, gpinn_weight=1e-3, gauss_newton=GaussNewton(200, 250))
    if solution == "cosine":
        training = replace(training, gauss_newton=GaussNewton(700, 300, schedule="linear"))
        return PeriodicProblem(
            equation,
            _cosine(2.0),
            2.0,
            horizon=1.0,
            harmonics=4,
            default_training=training,
            default_network=MLP(width=48, depth=4, activation="sin"),
        )
    speed = 0.5
    wave = math.sqrt(speed / (4 * alpha))
    soliton = LineSoliton(3 * speed, (wave, -wave * speed), shift=-speed / 2 * wave)
    return _on_the_line(equation, soliton, (-1.0, 1.0), 1.0, training)


def _on_the_line(
    equation: BurgersType, solution: Data, interval: tuple[float, float], horizon: float, training: Training
) -> KnownOnABox:
    return KnownOnABox(
        dim=1,
        solution=solution,
        bounds=(interval, (0.0, horizon)),
        orders=((1, 2),),
        operators=equation.operators,
        equation=equation.residual,
        default_network=MLP(width=32, depth=3),
        default_training=training,
    )


def _two_solitons(k: float, l: float, k_start: float, l_start: float) -> TwoSolitons:  # noqa: E741
    """Solitons of KdV with wave numbers k and l, that of one alone at `start` when t = 0."""
    waves = ((2 * k, -8 * k**3), (2 * l, -8 * l**3))
    return TwoSolitons(waves, (2 * k * k_start, 2 * l * l_start), ((k - l) / (k + l)) ** 2)


def _cosine(length: float):
    def initial(x: Array) -> Array:
        return jnp.cos(2 * math.pi / length * x)

    return initial
