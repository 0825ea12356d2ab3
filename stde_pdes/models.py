"""Networks, as blueprints that are built when the number of inputs is known."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from stde_core import Model, check_choice, check_count

_ACTIVATIONS = {"tanh": jnp.tanh, "sin": jnp.sin, "gelu": jax.nn.gelu, "silu": jax.nn.silu}


@dataclass(frozen=True)
class AbstractNetwork(ABC):
    """A blueprint: `network(num_inputs, key=key)` builds a model `[num_inputs] -> scalar`.

    Its fields become `-m name=value` of `stde solve`.
    """

    @abstractmethod
    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> Model:
        """Builds the network. Raises `ValueError` for a number of inputs that does not suit it."""


@dataclass(frozen=True)
class MLP(AbstractNetwork):
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
