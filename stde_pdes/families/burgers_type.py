"""Equations like that of Burgers, `u_t + a u u_x + Σ_m c_m ∂_x^m u = 0` in one dimension."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Complex, Float

import stde_core as stde


class BurgersType(eqx.Module):
    """`u_t + advection u u_x + Σ_m c_m ∂_x^m u = 0` with `linear` the pairs (m, c_m)."""

    advection: float = eqx.field(static=True)
    linear: tuple[tuple[int, float], ...] = eqx.field(static=True)

    @property
    def operators(self) -> dict[str, stde.AbstractOperator]:
        """u_x, and everything linear as one operator."""
        u_x, u_t = stde.partials(2)
        return {"u_x": u_x, "linear": sum((c * u_x**m for m, c in self.linear), start=u_t)}

    def residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["linear"] + self.advection * u * values["u_x"]

    def symbol(self, wave_numbers: Float[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        """What the linear part in x multiplies Fourier modes by: `u_t = … + symbol(k) u`."""
        return -sum((c * (1j * wave_numbers) ** m for m, c in self.linear), start=0 * wave_numbers)
