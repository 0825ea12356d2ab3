"""Residual networks."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_choice, check_count, check_flag

from ._activations import ACTIVATIONS, MOST_LAYERS, Activation
from ._network import AbstractNetwork, check_inputs


@dataclass(frozen=True)
class Residual(AbstractNetwork):
    """A residual network: `depth` blocks `z + φ(W z + b)` of `width` units between two linear layers.

    With `norm`, layer normalisation comes first in every block. Source: He et al. (2016), with one
    layer per block; Ba, Kiros and Hinton (2016) for the norm.
    """

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    norm: bool = False

    def __post_init__(self) -> None:
        check_count("Residual(width)", self.width)
        check_count("Residual(depth)", self.depth, least=0, most=MOST_LAYERS)
        check_choice("Residual(activation)", self.activation, ACTIVATIONS)
        check_flag("Residual(norm)", self.norm)

    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> "ResidualNet":
        check_inputs("Residual", num_inputs, key)
        first, last, *blocks = jax.random.split(key, self.depth + 2)
        return ResidualNet(
            first=eqx.nn.Linear(num_inputs, self.width, key=first),
            blocks=tuple(eqx.nn.Linear(self.width, self.width, key=block) for block in blocks),
            norms=tuple(eqx.nn.LayerNorm(self.width) if self.norm else eqx.nn.Identity() for _ in blocks),
            last=eqx.nn.Linear(self.width, "scalar", key=last),
            activation=ACTIVATIONS[self.activation],
        )


class ResidualNet(eqx.Module):
    """A layer in, blocks `z + φ(W norm(z) + b)`, and a layer out."""

    first: eqx.nn.Linear
    blocks: tuple[eqx.nn.Linear, ...]
    norms: tuple[eqx.nn.LayerNorm | eqx.nn.Identity, ...]
    last: eqx.nn.Linear
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, ""]:
        z = self.first(x)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            z = z + self.activation(block(norm(z)))
        return self.last(z)
