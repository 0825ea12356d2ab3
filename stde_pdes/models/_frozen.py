"""What of a network is trained."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float


class Frozen(eqx.Module):
    """An array of a network that is not trained; called, it gives the array, without gradient.

    `train` keeps no gradient and no moments for it, and a run does not count it among its parameters.
    """

    array: Float[Array, "..."]

    def __call__(self) -> Float[Array, "..."]:
        return jax.lax.stop_gradient(self.array)


def split_trained(network: Any) -> tuple[Any, Any]:
    """The trained numbers of a network, and the rest of it, which `eqx.combine` puts together."""
    return eqx.partition(network, eqx.is_inexact_array, is_leaf=lambda node: isinstance(node, Frozen))
