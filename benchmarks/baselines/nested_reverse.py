"""The derivatives of three equations by nested reverse mode: `jax.grad` of `jax.grad` …

Points are (x, y, t) or (x, t). Every gradient is used for all the derivatives that it holds.
"""

import jax
from jaxtyping import Array

import stde_core as stde


def _partial(function: stde.Model, axis: int) -> stde.Model:
    return lambda point: jax.grad(function)(point)[axis]


def kdv_2d(model: stde.Model, point: stde.Point) -> dict[str, Array]:
    """2-D KdV: five nested gradients at most."""
    u, (u_x, u_y, _) = jax.value_and_grad(model)(point)
    in_y = _partial(model, 1)
    u_xy, u_yy, u_ty = jax.grad(in_y)(point)
    return {
        "u": u,
        "u_x": u_x,
        "u_y": u_y,
        "u_xx": _partial(_partial(model, 0), 0)(point),
        "u_xy": u_xy,
        "u_yy": u_yy,
        "u_ty": u_ty,
        "u_xxxy": _partial(_partial(_partial(in_y, 0), 0), 0)(point),
    }


def kp(model: stde.Model, point: stde.Point) -> dict[str, Array]:
    """Kadomtsev-Petviashvili."""
    u, (u_x, _, _) = jax.value_and_grad(model)(point)
    in_x = _partial(model, 0)
    u_xx, _, u_tx = jax.grad(in_x)(point)
    return {
        "u": u,
        "u_x": u_x,
        "u_xx": u_xx,
        "u_tx": u_tx,
        "u_xxxx": _partial(_partial(_partial(in_x, 0), 0), 0)(point),
        "u_yy": _partial(_partial(model, 1), 1)(point),
    }


def g_kdv(model: stde.Model, point: stde.Point) -> dict[str, Array]:
    """Gradient-enhanced KdV."""
    u, (u_x, u_t) = jax.value_and_grad(model)(point)
    in_x = _partial(model, 0)
    in_xxx = _partial(_partial(in_x, 0), 0)
    u_xx, u_tx = jax.grad(in_x)(point)
    u_xxx, (u_xxxx, u_xxxt) = jax.value_and_grad(in_xxx)(point)
    return {
        "u": u,
        "u_x": u_x,
        "u_xx": u_xx,
        "u_xxx": u_xxx,
        "u_xxxx": u_xxxx,
        "u_t": u_t,
        "u_tx": u_tx,
        "u_xxxt": u_xxxt,
        "u_tt": _partial(_partial(model, 1), 1)(point),
    }
