"""Three equations of high order: the derivatives that they need, and their residuals.

Points are (x, y, t) or (x, t). A residual is a vector, whose squares are summed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

import stde_core as stde
from stde_pdes.families import kdv_2d, kp


@dataclass(frozen=True)
class Equation:
    """What is derived, and what should vanish.

    - `derivatives`: all derivatives by name.
    - `linear`: the coefficients of those that enter only through one sum, the term `linear`.
    - `residual(terms)`: from the terms by name, u among them.
    """

    inputs: int
    derivatives: dict[str, stde.AbstractOperator]
    linear: Mapping[str, int | float]
    residual: Callable[[dict[str, Array]], Float[Array, " k"]]

    @property
    def operators(self) -> dict[str, stde.AbstractOperator]:
        """What a method is asked for that can take a sum of derivatives as one operator."""
        first, *rest = (coefficient * self.derivatives[name] for name, coefficient in self.linear.items())
        single = {name: d for name, d in self.derivatives.items() if name not in self.linear}
        return single | {"linear": sum(rest, start=first)}

    def merge(self, terms: dict[str, Array]) -> dict[str, Array]:
        """The terms and their sum, from a method that gives the derivatives one by one."""
        return terms | {"linear": jnp.asarray(sum(c * terms[name] for name, c in self.linear.items()))}


def _kdv_2d() -> Equation:
    x, y, t = stde.partials(3)
    derivatives = {
        "u_x": x,
        "u_y": y,
        "u_xx": x**2,
        "u_xy": x * y,
        "u_yy": y**2,
        "u_ty": t * y,
        "u_xxxy": x**3 * y,
    }

    linear = {"u_ty": 1, "u_xxxy": 1, "u_yy": 2}
    return Equation(3, derivatives, linear, lambda d: kdv_2d.residual(d["u"], d)[None])


def _kp() -> Equation:
    x, y, t = stde.partials(3)
    derivatives = {"u_x": x, "u_xx": x**2, "u_tx": t * x, "u_xxxx": x**4, "u_yy": y**2}
    linear = {"u_tx": 1, "u_xxxx": 1, "u_yy": 3}
    return Equation(3, derivatives, linear, lambda d: kp.residual(d["u"], d)[None])


def _g_kdv() -> Equation:
    x, t = stde.partials(2)
    derivatives = {
        "u_x": x,
        "u_xx": x**2,
        "u_xxx": x**3,
        "u_xxxx": x**4,
        "u_t": t,
        "u_tx": t * x,
        "u_xxxt": x**3 * t,
        "u_tt": t**2,
    }
    alpha, weight = 0.0025, 1e-3

    def residual(d: dict[str, Array]) -> Array:
        """r = u_t + u u_x + α u_xxx, and the gradient of r, the square root of its weight before it."""
        r = d["u_t"] + d["u"] * d["u_x"] + alpha * d["u_xxx"]
        r_x = d["u_tx"] + alpha * d["u_xxxx"] + d["u_x"] ** 2 + d["u"] * d["u_xx"]
        r_t = d["linear"] + d["u_t"] * d["u_x"] + d["u"] * d["u_tx"]
        return jnp.stack([r, weight**0.5 * r_x, weight**0.5 * r_t])

    return Equation(2, derivatives, {"u_tt": 1, "u_xxxt": alpha}, residual)


EQUATIONS = {"kdv-2d": _kdv_2d(), "kp": _kp(), "g-kdv": _g_kdv()}
