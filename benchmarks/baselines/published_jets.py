"""The derivatives of three equations from univariate jets, read as in the published code of STDE.

Tangents at several orders of one jet make a curve; the derivatives of u along it are sums of
mixed partials (Faà di Bruno), from which the code reads one. Ported from `stde/equations.py` of
github.com/sail-sg/stde (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024). Points are (x, y, t) or (x, t).
What is read wrongly there is read so here, and listed in `WRONG`.
"""

from collections.abc import Mapping
from typing import TypeAlias

import jax.numpy as jnp
from jax.experimental.jet import jet
from jaxtyping import Array

import stde_core as stde

Terms: TypeAlias = dict[str, Array]

WRONG: Mapping[str, tuple[str, ...]] = {
    "kdv_2d_13_jet": ("u_xx", "u_xy", "u_ty", "u_xxxy"),
    "kdv_2d_9_jet": ("u_xxxy",),
}
"""The readings that are not what they are called."""


def _along(
    model: stde.Model, x: stde.Point, order: int, tangents: dict[int, int]
) -> tuple[Array, list[Array]]:
    """u and its derivatives up to `order` along a curve with unit vector `tangents[k]` at order k."""
    series = [jnp.zeros_like(x)] * order
    for k, axis in tangents.items():
        series[k - 1] = jnp.zeros_like(x).at[axis].set(1.0)
    return jet(model, (x,), (series,))


def kdv_2d_13_jet(model: stde.Model, point: stde.Point) -> Terms:
    """2-D KdV, "STDE": one 13-jet. Order 6 is 10 u_xx, and orders 7, 11, 13 hold a second term each."""
    u, d = _along(model, point, 13, {3: 0, 4: 1, 7: 2})
    return {
        "u": u,
        "u_x": d[2],
        "u_y": d[3],
        "u_xx": d[5],
        "u_xy": d[6] / 35,
        "u_yy": d[7] / 35,
        "u_ty": d[10] / 330,
        "u_xxxy": d[12] / 200200,
    }


def kdv_2d_9_jet(model: stde.Model, point: stde.Point) -> Terms:
    """2-D KdV, "STDE*": a 9-jet and two 3-jets. Order 9 is 1260 u_xxxy + 280 u_yyy; read is 840."""
    u, d = _along(model, point, 9, {2: 0, 3: 1})
    _, (_, _, u_yyy_and_3_u_ty) = _along(model, point, 3, {1: 1, 2: 2})
    _, (_, u_yy, u_yyy) = _along(model, point, 3, {1: 1})
    return {
        "u": u,
        "u_x": d[1],
        "u_y": d[2],
        "u_xx": d[3] / 3,
        "u_xy": d[4] / 10,
        "u_yy": u_yy,
        "u_ty": (u_yyy_and_3_u_ty - u_yyy) / 3,
        "u_xxxy": (d[8] - 280 * u_yyy) / 840,
    }


def kp_jets(model: stde.Model, point: stde.Point) -> Terms:
    """KP: a 5-jet, a 4-jet and a 2-jet."""
    u, mixed = _along(model, point, 5, {2: 0, 3: 2})
    _, (u_x, u_xx, _, u_xxxx) = _along(model, point, 4, {1: 0})
    _, (_, u_yy) = _along(model, point, 2, {1: 1})
    return {"u": u, "u_x": u_x, "u_xx": u_xx, "u_tx": mixed[4] / 10, "u_xxxx": u_xxxx, "u_yy": u_yy}


def g_kdv_jets(model: stde.Model, point: stde.Point) -> Terms:
    """Gradient-enhanced KdV: two 7-jets and a 2-jet."""
    u, x = _along(model, point, 7, {1: 0})
    _, d = _along(model, point, 7, {1: 0, 4: 1})
    _, (_, u_tt) = _along(model, point, 2, {1: 1})
    return {
        "u": u,
        "u_x": x[0],
        "u_xx": x[1],
        "u_xxx": x[2],
        "u_xxxx": x[3],
        "u_t": d[3] - x[3],
        "u_tx": (d[4] - x[4]) / 5,
        "u_xxxt": (d[6] - x[6]) / 35,
        "u_tt": u_tt,
    }
