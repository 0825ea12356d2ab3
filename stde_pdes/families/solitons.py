"""Exact solutions of dispersive equations, as modules `point -> u`."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import stde_core as stde


class LineSoliton(eqx.Module):
    """`2k² sech²(k·x + l·y − ω t)` with points `(x, t)`, or `(x, y, t)`: k is the first wave number."""

    wave_numbers: tuple[float, ...] = eqx.field(static=True)
    frequency: float = eqx.field(static=True)
    shift: float = eqx.field(static=True, default=0.0)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        waves = jnp.asarray((*self.wave_numbers, -self.frequency), point.dtype)
        # sech² from exp(−2|z|), which never overflows.
        decay = jnp.exp(-2 * jnp.abs(waves @ point - self.shift))
        return 8 * self.wave_numbers[0] ** 2 * decay / (1 + decay) ** 2


class TwoSolitons(eqx.Module):
    """`2 ∂_x² log τ`, τ = 1 + e₁ + e₂ + A e₁e₂, e_i = exp(2 k_i (x − 4 k_i² t − s_i)): KdV's two solitons."""

    wave_numbers: tuple[float, float] = eqx.field(static=True)
    shifts: tuple[float, float] = eqx.field(static=True)

    def __call__(self, point: stde.Point) -> Float[Array, ""]:
        x, t = point[0], point[1]
        k = jnp.asarray(self.wave_numbers, point.dtype)
        phases = 2 * k * (x - 4 * k**2 * t - jnp.asarray(self.shifts, point.dtype))
        k1, k2 = self.wave_numbers
        interaction = 2 * jnp.log(abs(k1 - k2) / (k1 + k2))
        exponents = jnp.stack([0 * x, phases[0], phases[1], phases[0] + phases[1] + interaction])
        slopes = jnp.stack([0 * k[0], 2 * k[0], 2 * k[1], 2 * k[0] + 2 * k[1]])
        # τ is a sum of exponentials linear in x: (log τ)'' is the variance of the slopes.
        shares = jax.nn.softmax(exponents)
        mean = shares @ slopes
        return 2 * (shares @ (slopes - mean) ** 2)
