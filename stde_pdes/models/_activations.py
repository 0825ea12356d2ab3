"""Smooth activations by name: whatever is differentiated twice and more must not have kinks."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

Activation: TypeAlias = Literal["tanh", "sin", "gelu", "silu"]

# Layers are written out one by one: more of them would take hours to compile.
MOST_LAYERS = 1000

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "sin": jnp.sin,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
}
