"""One small first layer for all blocks of coordinates, for inputs of very many dimensions."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_count

from ._activations import ACTIVATIONS, Activation
from ._mlp import MLP
from ._network import AbstractNetwork, check_inputs


@dataclass(frozen=True)
class BlockShared(AbstractNetwork):
    """A perceptron after a first layer whose weights all blocks of `block_size` coordinates share.

    The first layer is a convolution of one channel whose filter and stride are `block_size`, B: of d
    inputs it makes d/B features by B + 1 parameters, and the perceptron after it has width·d/B in
    its first layer in place of width·d. The last `unshared` inputs, such as time, go past it.
    Source: weight sharing of STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024), with the activation after
    the first layer that the published code has by default.
    """

    block_size: int = 50
    width: int = 128
    depth: int = 3
    activation: Activation = "tanh"
    unshared: int = 0

    def __post_init__(self) -> None:
        check_count("BlockShared(block_size)", self.block_size)
        check_count("BlockShared(unshared)", self.unshared, least=0)
        self._perceptron()

    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> "BlockSharedNet":
        """Raises `ValueError` where blocks of that size do not fill the inputs."""
        check_inputs("BlockShared", num_inputs, key)
        shared = num_inputs - self.unshared
        if shared <= 0 or shared % self.block_size:
            raise ValueError(_misfit(num_inputs, self.block_size, self.unshared))
        block_key, mlp_key = jax.random.split(key)
        # As large as those of any linear layer of Equinox.
        limit = self.block_size**-0.5
        weights = jax.random.uniform(block_key, (self.block_size + 1,), minval=-limit, maxval=limit)
        mlp = self._perceptron()(shared // self.block_size + self.unshared, key=mlp_key)
        return BlockSharedNet(weights[:-1], weights[-1], mlp, ACTIVATIONS[self.activation], shared)

    def _perceptron(self) -> MLP:
        return MLP(self.width, self.depth, self.activation)


def _misfit(num_inputs: int, block_size: int, unshared: int) -> str:
    """Why blocks do not fill the inputs, with the nearest sizes that would, and how many are left over."""
    shared = num_inputs - unshared
    if shared <= 0:
        return (
            f"`BlockShared(unshared)` needs an integer < {num_inputs}, the number of inputs, got {unshared}."
        )
    below = next(size for size in range(min(block_size, shared), 0, -1) if shared % size == 0)
    above = next((size for size in range(block_size, shared + 1) if shared % size == 0), None)
    nearest = f"nearest are {below} and {above}" if above else f"nearest is {below}"
    rest = shared % block_size
    past = f"; with `unshared={unshared + rest}` the last {rest} go past the blocks" if rest < shared else ""
    return (
        f"`BlockShared(block_size)` needs a divisor of {shared}, the number of shared inputs, "
        f"got {block_size}; the {nearest}{past}."
    )


class BlockSharedNet(eqx.Module):
    """`x -> mlp([φ(w·b + β) for the blocks b of x], the rest of x)`."""

    kernel: Float[Array, " block_size"]
    bias: Float[Array, ""]
    mlp: eqx.nn.MLP
    activation: Callable[[Array], Array] = eqx.field(static=True)
    num_shared: int = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, ""]:
        blocks = x[: self.num_shared].reshape(-1, self.kernel.shape[0])
        # A sum of products rather than a matrix product: XLA then makes no copy of all points.
        features = self.activation(jnp.sum(blocks * self.kernel, axis=1) + self.bias)
        return self.mlp(jnp.concatenate([features, x[self.num_shared :]]))
