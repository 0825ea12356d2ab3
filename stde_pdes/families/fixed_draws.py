"""What a problem draws for itself, in single precision always: no precision of a run changes its equation."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import stde_core as stde

from ..domains import AbstractDomain

_NUM_POINTS = 64


def fixed_normal(size: int, seed: int) -> Float[Array, " size"]:
    """Standard normal numbers."""
    return jax.random.normal(jax.random.key(seed), (size,), jnp.float32).astype(float)


def mean_square(function: Callable[[stde.Point], Array], domain: AbstractDomain) -> Float[Array, ""]:
    """Of a function, over a few points of a domain that are always the same."""
    with jax.enable_x64(False):
        points = domain(_NUM_POINTS, key=jax.random.key(0))
    return jnp.mean(jax.lax.map(function, points.astype(float)) ** 2)
