"""The clauses that operators, samplers and estimators have in common."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import Array

from ._contract import jit, require, require_near

_STEP = 1e-5


def require_round_trip(subject: Any) -> None:
    """Raises `AssertionError` unless a PyTree comes back from its leaves and its static parts hash."""
    leaves, structure = jax.tree.flatten(subject)
    back = jax.tree.unflatten(structure, leaves)
    require(type(back) is type(subject), f"rebuilt from its leaves it is a {type(back).__name__}.")
    require(jax.tree.structure(back) == structure, "rebuilt from its leaves it has another structure.")
    for static in _statics(subject):
        try:
            hash(static)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"a static field cannot be hashed ({error}): {static!r}.") from error


def _statics(node: Any) -> Iterator[Any]:
    """What is static in a tree, and so has to be hashed and compared when functions are compiled."""
    if isinstance(node, eqx.Module):
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            yield from [value] if field.metadata.get("static", False) else _statics(value)
    elif isinstance(node, (tuple, list)):
        for child in node:
            yield from _statics(child)


def require_transforms(function: Callable[..., Any], trained: Any, points: Array, keys: Array) -> None:
    """`function(trained, x, key)` gives the same plain, under jit, vmap and in a loop.

    Its gradient in `trained`, by reverse mode under vmap, is that of central differences.
    """

    def at(pair: tuple[Array, Array]) -> Any:
        return function(trained, *pair)

    plain, pairs = at((points[0], keys[0])), (points, keys)
    looped, mapped = jit(lambda: jax.lax.map(at, pairs))(), jit(jax.vmap(at))(pairs)
    jax.tree.map(
        lambda p, r: require_near("under jit the value", r[0], p, why="the plain one"), plain, looped
    )
    jax.tree.map(lambda r, m: require_near("under vmap a value", m, r, why="that in a loop"), looped, mapped)
    arrays, rest = eqx.partition(trained, eqx.is_inexact_array)
    towards = jax.tree.map(_different_numbers, arrays)

    def loss(arrays: Any, x: Array, key: Array) -> Array:
        values = jax.tree.leaves(function(eqx.combine(arrays, rest), x, key))
        return sum((jnp.sum(_different_numbers(v) * v.real) for v in values), jnp.zeros(()))

    def moved(step: Array) -> Array:
        return loss(jax.tree.map(lambda a, t: a + step * t, arrays, towards), points[0], keys[0])

    gradients = jit(jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)))(arrays, points, keys)
    products = [(g[0] * t).ravel() for g, t in zip(*map(jax.tree.leaves, (gradients, towards)), strict=True)]
    products = jnp.concatenate(products)
    ahead, behind = jit(lambda: jax.lax.map(moved, jnp.array([_STEP, -_STEP])))()
    # Central differences are off by about step² plus rounding / step, in units of what is added up.
    require_near(
        "the gradient in parameters",
        products.sum(),
        (ahead - behind) / (2 * _STEP),
        rtol=0.0,
        atol=1e-6 * (1 + float(jnp.abs(products).sum())),
        why="that of central differences",
    )


def _different_numbers(like: Array) -> Array:
    return jnp.cos(1.0 + jnp.arange(like.size)).reshape(like.shape)


def require_dtype(what: str, tree: Any, dtype: Any) -> None:
    """All real arrays of a tree, or of their shapes, have the dtype."""
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            require(leaf.dtype == dtype, f"{what} has dtype {leaf.dtype}, expected {np.dtype(dtype)}.")


def count_equations(function: Callable[..., Any], *arguments: Any) -> int:
    """The equations in a function's jaxpr, those of loops and calls inside it included."""
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(jaxpr: Jaxpr) -> int:
    def inner(params: Any) -> list[Jaxpr]:
        leaves = jax.tree.leaves(params, is_leaf=lambda leaf: isinstance(leaf, (Jaxpr, ClosedJaxpr)))
        found = [leaf.jaxpr if isinstance(leaf, ClosedJaxpr) else leaf for leaf in leaves]
        return [leaf for leaf in found if isinstance(leaf, Jaxpr)]

    return sum(1 + sum(map(_count, inner(list(eqn.params.values())))) for eqn in jaxpr.eqns)


def require_bounded(what: str, few: int, many: int) -> None:
    """Four times as many of something add hardly any equations to a trace."""
    require(
        many <= 1.1 * few + 20,
        f"{what} makes the trace grow from {few} to {many} equations; map over them in place of a loop.",
    )
