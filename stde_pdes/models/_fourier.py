"""Networks of random Fourier features."""

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_count

from .._checks import check_positive
from ._activations import Activation
from ._frozen import Frozen
from ._mlp import MLP
from ._network import AbstractNetwork, check_inputs


@dataclass(frozen=True)
class Fourier(AbstractNetwork):
    """A perceptron of random Fourier features, for solutions with fine detail.

    The features are `cos 2πf·x` and `sin 2πf·x` for `num_frequencies` random vectors f, which are not
    trained; their entries are normal with standard deviation `scale`/√d, so that `scale` is the
    typical number of waves in a unit length in any dimension d. Source: Tancik et al. (2020), which
    leaves the √d out.
    """

    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    num_frequencies: int = 64
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_count("Fourier(num_frequencies)", self.num_frequencies)
        check_positive("Fourier(scale)", self.scale)
        self._perceptron()

    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> "FourierNet":
        check_inputs("Fourier", num_inputs, key)
        frequency_key, mlp_key = jax.random.split(key)
        normal = jax.random.normal(frequency_key, (self.num_frequencies, num_inputs))
        mlp = self._perceptron()(2 * self.num_frequencies, key=mlp_key)
        return FourierNet(Frozen(self.scale / num_inputs**0.5 * normal), mlp)

    def _perceptron(self) -> MLP:
        return MLP(self.width, self.depth, self.activation)


class FourierNet(eqx.Module):
    """`x -> mlp([cos 2πFx, sin 2πFx])` with frequencies F, `[frequencies, inputs]`, that are not trained."""

    frequencies: Frozen
    mlp: eqx.nn.MLP

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, ""]:
        phases = 2 * math.pi * (self.frequencies() @ x)
        return self.mlp(jnp.concatenate([jnp.cos(phases), jnp.sin(phases)]))
