"""Networks, as blueprints that are built when the number of inputs is known."""

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from stde_core import check_choice, check_count

_ACTIVATIONS = {"tanh": jnp.tanh, "sin": jnp.sin, "gelu": jax.nn.gelu, "silu": jax.nn.silu}


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron with a scalar output: `depth` hidden layers of `width` units."""

    width: int = 128
    depth: int = 3
    activation: Literal["tanh", "sin", "gelu", "silu"] = "tanh"

    def __post_init__(self) -> None:
        check_count("MLP(width)", self.width)
        check_count("MLP(depth)", self.depth, least=0)
        check_choice("MLP(activation)", self.activation, _ACTIVATIONS)

    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> eqx.nn.MLP:
        activation = _ACTIVATIONS[self.activation]
        return eqx.nn.MLP(num_inputs, "scalar", self.width, self.depth, activation, key=key)
