"""Derivatives by other means: nested automatic differentiation, univariate jets as published, and folx.

Three equations of high order, at points (x, y, t) or (x, t):

- by nested reverse mode, `jax.grad` of `jax.grad` …, every gradient used for all the derivatives that it
  holds;
- by jets, ported from `stde/equations.py` of github.com/sail-sg/stde (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024).
  Tangents at several orders of one jet make a curve; the derivatives of u along it are sums of mixed partials
  (Faà di Bruno), from which the code reads one. What is read wrongly there is read so here, and listed in
  `WRONG`.

Then contractions of the tangents that `stde` samples, and exact Laplacians.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.experimental.jet import jet
from jaxtyping import Array, Float, Inexact, PRNGKeyArray

import stde_core as stde
from stde_core import contractions

Terms: TypeAlias = dict[str, Array]

WRONG: Mapping[str, tuple[str, ...]]
WRONG = {"kdv_2d_13_jet": ("u_xx", "u_xy", "u_ty", "u_xxxy"), "kdv_2d_9_jet": ("u_xxxy",)}
"""The readings that are not what they are called."""


def _partial(function: stde.Model, axis: int) -> stde.Model:
    return lambda point: jax.grad(function)(point)[axis]


def kdv_2d_reverse(model: stde.Model, point: stde.Point) -> Terms:
    """2-D KdV: five nested gradients at most."""
    u, (u_x, u_y, _) = jax.value_and_grad(model)(point)
    in_y = _partial(model, 1)
    u_xy, u_yy, u_ty = jax.grad(in_y)(point)
    terms = {"u": u, "u_x": u_x, "u_y": u_y, "u_xx": _partial(_partial(model, 0), 0)(point), "u_xy": u_xy}
    return terms | {"u_yy": u_yy, "u_ty": u_ty, "u_xxxy": _partial(_partial(_partial(in_y, 0), 0), 0)(point)}


def kp_reverse(model: stde.Model, point: stde.Point) -> Terms:
    """Kadomtsev-Petviashvili."""
    u, (u_x, _, _) = jax.value_and_grad(model)(point)
    in_x = _partial(model, 0)
    u_xx, _, u_tx = jax.grad(in_x)(point)
    u_xxxx, u_yy = _partial(_partial(_partial(in_x, 0), 0), 0)(point), _partial(_partial(model, 1), 1)(point)
    return {"u": u, "u_x": u_x, "u_xx": u_xx, "u_tx": u_tx, "u_xxxx": u_xxxx, "u_yy": u_yy}


def g_kdv_reverse(model: stde.Model, point: stde.Point) -> Terms:
    """Gradient-enhanced KdV."""
    u, (u_x, u_t) = jax.value_and_grad(model)(point)
    in_x = _partial(model, 0)
    in_xxx = _partial(_partial(in_x, 0), 0)
    u_xx, u_tx = jax.grad(in_x)(point)
    u_xxx, (u_xxxx, u_xxxt) = jax.value_and_grad(in_xxx)(point)
    terms = {"u": u, "u_x": u_x, "u_xx": u_xx, "u_xxx": u_xxx, "u_xxxx": u_xxxx, "u_t": u_t, "u_tx": u_tx}
    return terms | {"u_xxxt": u_xxxt, "u_tt": _partial(_partial(model, 1), 1)(point)}


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
    terms = {"u": u, "u_x": d[2], "u_y": d[3], "u_xx": d[5], "u_xy": d[6] / 35, "u_yy": d[7] / 35}
    return terms | {"u_ty": d[10] / 330, "u_xxxy": d[12] / 200200}


def kdv_2d_9_jet(model: stde.Model, point: stde.Point) -> Terms:
    """2-D KdV, "STDE*": a 9-jet and two 3-jets. Order 9 is 1260 u_xxxy + 280 u_yyy; read is 840."""
    u, d = _along(model, point, 9, {2: 0, 3: 1})
    _, (_, _, u_yyy_and_3_u_ty) = _along(model, point, 3, {1: 1, 2: 2})
    _, (_, u_yy, u_yyy) = _along(model, point, 3, {1: 1})
    terms = {"u": u, "u_x": d[1], "u_y": d[2], "u_xx": d[3] / 3, "u_xy": d[4] / 10, "u_yy": u_yy}
    return terms | {"u_ty": (u_yyy_and_3_u_ty - u_yyy) / 3, "u_xxxy": (d[8] - 280 * u_yyy) / 840}


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
    terms = {"u": u, "u_x": x[0], "u_xx": x[1], "u_xxx": x[2], "u_xxxx": x[3], "u_t": d[3] - x[3]}
    return terms | {"u_tx": (d[4] - x[4]) / 5, "u_xxxt": (d[6] - x[6]) / 35, "u_tt": u_tt}


class Contracting(stde.AbstractEstimator):
    """Tangents from any sampler, contracted by a given function and averaged."""

    contract: contractions.Contraction = eqx.field(static=True)
    num_samples: int = eqx.field(static=True)
    sampler: stde.AbstractTangentSampler

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        drawn = (operators, dim, self.sampler, self.num_samples)
        return stde.SamplingPlan(*drawn, standard_error=standard_error, contract=self.contract)


def stde_jet(
    model: stde.Model, x: stde.Point, directions: Any, monomials: tuple[tuple[int, ...], ...]
) -> tuple[Inexact[Array, "n ..."], ...]:
    """STDE as published (Shi et al., NeurIPS 2024): `jax.vmap` of `jet`, a jet per sampled vector.

    The vectors are written out, `[dim]` each, one-hot ones too. Takes pure powers.
    """
    orders = [power for (power,) in monomials]
    vectors = directions.dense(x.shape[0], x.dtype)[:, 0]

    def one(v: Float[Array, " dim"]) -> tuple[Array, ...]:
        series = [v, *[jnp.zeros_like(v)] * (max(orders) - 1)]
        _, derivatives = jet(model, (x,), (series,))
        return tuple(derivatives[order - 1] for order in orders)

    return jax.vmap(one)(vectors)


def folx_laplacian(model: stde.Model, x: stde.Point) -> tuple[Array, Array]:
    """u and Δu in one pass (Li et al., 2024; folx with its defaults)."""
    from folx import forward_laplacian

    result = forward_laplacian(model)(x)
    return result.x, result.laplacian


def nested_laplacian(model: stde.Model, x: stde.Point) -> tuple[Array, Array]:
    """u and Δu, forward over reverse mode: a Hessian-vector product per coordinate."""
    gradient = jax.grad(model)

    def second(v: Array) -> Array:
        return jax.jvp(gradient, (x,), (v,))[1] @ v

    return model(x), jnp.sum(jax.vmap(second)(jnp.eye(x.shape[0], dtype=x.dtype)))


class Folx(stde.AbstractEstimator):
    """`folx_laplacian` as an estimator of the whole Laplacian.

    The estimator `forward-laplacian`, which takes what is left, multiplies by unit vectors there.
    """

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.AbstractPlan:
        general = stde.get_estimator("forward-laplacian").plan(operators, dim, standard_error=standard_error)
        whole = isinstance(operators, stde.Laplacian) and operators.axes is None
        return FolxPlan(standard_error) if whole else general


class FolxPlan(stde.AbstractPlan):
    """The Laplacian by `folx_laplacian`."""

    standard_error: bool = eqx.field(static=True)
    cost: None = eqx.field(static=True, default=None)

    def run(self, model: stde.Model, x: stde.Point, *, key: PRNGKeyArray | None) -> stde.Estimate:
        value, laplacian = folx_laplacian(model, x)
        return stde.Estimate(laplacian, value, jnp.zeros(()) if self.standard_error else None)

    def describe(self) -> str:
        return "By folx: one forward Laplacian"
