"""Multilayer perceptrons."""

from dataclasses import dataclass

import equinox as eqx
from jaxtyping import PRNGKeyArray

from stde_core import check_choice, check_count

from ._activations import ACTIVATIONS, MOST_LAYERS, Activation
from ._network import AbstractNetwork, check_inputs


@dataclass(frozen=True)
class MLP(AbstractNetwork):
    """A multilayer perceptron with a scalar output: `depth` hidden layers of `width` units."""

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"

    def __post_init__(self) -> None:
        check_count("MLP(width)", self.width)
        check_count("MLP(depth)", self.depth, least=0, most=MOST_LAYERS)
        check_choice("MLP(activation)", self.activation, ACTIVATIONS)

    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> eqx.nn.MLP:
        check_inputs("MLP", num_inputs, key)
        activation = ACTIVATIONS[self.activation]
        return eqx.nn.MLP(num_inputs, "scalar", self.width, self.depth, activation, key=key)
