"""The precision of a run's numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from .._setup import Setup


@contextmanager
def in_precision(name: str | None) -> Iterator[None]:
    """Points, derivatives and losses in double precision for float64, in single for the others.

    None leaves JAX as it is configured.
    """
    if name is None:
        yield
    else:
        with jax.enable_x64(name == "float64"):
            yield


def new_network(setup: Setup, *, key: PRNGKeyArray) -> Any:
    """The network of a run before its training, with parameters of the run's precision."""
    network = setup.network(setup.problem.num_features, key=key)

    def cast(leaf: Any) -> Any:
        return leaf.astype(jnp.dtype(setup.precision)) if eqx.is_inexact_array(leaf) else leaf

    return jax.tree.map(cast, network)
