"""A model to try things on, and its derivatives by nested forward mode, apart from the library's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Model, Point


def network(dim: int, out: Any) -> eqx.nn.MLP:
    """A small tanh network whose derivatives of all orders are of the size of 1."""
    with jax.ensure_compile_time_eval():
        mlp = eqx.nn.MLP(dim, out, 8, 1, activation=jnp.tanh, key=jax.random.key(0))
        return jax.tree.map(lambda leaf: 2 * leaf if eqx.is_array(leaf) else leaf, mlp)


def points(num_points: int, dim: int) -> Float[Array, "n dim"]:
    """Points with positive entries of the size of 1, so that roots and logarithms exist."""
    with jax.ensure_compile_time_eval():
        return 0.3 + 0.6 * jax.random.uniform(jax.random.key(1), (num_points, dim))


def point(dim: int) -> Float[Array, " dim"]:
    """One such point."""
    with jax.ensure_compile_time_eval():
        return points(1, dim)[0]


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real arrays in another precision."""
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree)


def tensors(model: Model, x: Point, order: int) -> list[Array]:
    """The derivative tensors of orders 0 to `order`, `[*out, dim, …, dim]`."""
    found = []
    for _ in range(order + 1):
        found.append(model(x))
        model = jax.jacfwd(model)
    return found


def contract(model: Model, x: Point, directions: Any, monomials: Any) -> tuple[Array, ...]:
    """The contractions of a plan, each by as many nested `jax.jvp` as its order."""
    vectors = directions.dense(x.shape[0], x.dtype)

    def along(powers: tuple[int, ...], v: Array) -> Array:
        repeated = [v[i] for i, power in enumerate(powers) for _ in range(power)]
        return _derivative(model, x, repeated)

    return tuple(jax.vmap(partial(along, powers))(vectors) for powers in monomials)


def _derivative(model: Model, x: Point, vectors: list[Array]) -> Array:
    for v in vectors:
        model = _directional(model, v)
    return model(x)


def _directional(model: Model, v: Array) -> Callable[[Point], Array]:
    return lambda x: jax.jvp(model, (x,), (v,))[1]
