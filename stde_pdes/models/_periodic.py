"""Features of which every function is periodic."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from stde_core import check_count

from .._checks import check_positive


def periodic(x: Float[Array, ""], period: float, harmonics: int = 1) -> Float[Array, " 2*{harmonics}"]:
    """`cos(2πkx/L), sin(2πkx/L)` for k = 1 … harmonics, of one coordinate x with period L.

    A network of these features, and of no other of x, is periodic in x with all its derivatives,
    up to rounding. Source: Dong and Ni (2021). Raises `ValueError` for a period that is
    not positive, or harmonics that are no integer ≥ 1.
    """
    check_count("harmonics", harmonics)
    check_positive("period", period)
    if jnp.ndim(x) != 0:
        raise ValueError(f"`periodic(x, …)` takes one coordinate of a point, got shape {jnp.shape(x)}.")
    phases = 2 * math.pi / period * jnp.arange(1, harmonics + 1, dtype=jnp.result_type(x)) * x
    return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])
