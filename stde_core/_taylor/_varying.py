"""The axes of a mesh over which arrays vary. Inside `jax.shard_map`, operands must agree on them."""

from typing import Any, TypeVar

import jax

T = TypeVar("T")


def varying_axes(tree: Any) -> frozenset[str]:
    """The axes over which any array, or struct, of a tree varies; none outside of `jax.shard_map`."""
    types = [x if isinstance(x, jax.ShapeDtypeStruct) else jax.typeof(x) for x in jax.tree.leaves(tree)]
    known = [getattr(t, "manual_axis_type", None) for t in types]
    return frozenset[str]().union(*(manual.varying for manual in known if manual is not None))


def vary(tree: T, axes: frozenset[str]) -> T:
    """The same arrays, typed as varying over these axes too."""

    def one(x: Any) -> Any:
        missing = axes - varying_axes(x)
        return jax.lax.pcast(x, tuple(missing), to="varying") if missing else x

    return jax.tree.map(one, tree)


def alike(*trees: Any) -> tuple[Any, ...]:
    """The same trees, each typed as varying over the axes of all of them."""
    return vary(trees, varying_axes(trees))
