from typing import Any, SupportsIndex

import equinox as eqx
import jax
from jaxtyping import Array, PyTree

from .._terms import AbstractFamily
from ..checks import as_int, check_count, in_short
from ._base import AbstractOperator, is_operator


class Component(AbstractOperator):
    """One component of an operator's value, for a model with several outputs: `(L u)_index`.

    Cost: that of the operator for all outputs. It is no part of the algebra of operators: take the component
    of a sum, not a sum of components.
    """

    operator: AbstractOperator
    index: int = eqx.field(static=True)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        raise TypeError(
            "`component(operator, i)` cannot be added to, multiplied with or scaled like other operators; "
            "write `component(a + b, i)`, or ask for each by itself and add the values."
        )


def component(operator: AbstractOperator, index: SupportsIndex) -> Component:
    """Component `index` of `operator`'s value, for a model with several outputs: `component(Laplacian(), 0)`.

    Raises `TypeError` for what is no operator, or a component already, and `ValueError` for an index that is
    no integer ≥ 0. An index beyond the model's outputs is refused by `estimate`.
    """
    if not is_operator(operator) or isinstance(operator, Component):
        raise TypeError(f"`component(operator, …)` needs an operator, got {in_short(operator)}.")
    check_count("component(…, index)", as_int(index), least=0)
    return Component(operator, as_int(index))


def without_components(operators: PyTree[AbstractOperator]) -> tuple[Any, tuple[int | None, ...]]:
    """A tree of operators with each `Component` replaced by its operator; and the indices, or None."""
    leaves, tree = jax.tree.flatten(operators, is_leaf=is_operator)
    whole = [leaf.operator if isinstance(leaf, Component) else leaf for leaf in leaves]
    return tree.unflatten(whole), tuple(
        leaf.index if isinstance(leaf, Component) else None for leaf in leaves
    )


def picked(values: PyTree[Array], indices: tuple[int | None, ...]) -> PyTree[Array]:
    """The components of a tree of values. Raises `ValueError` for an index that the model does not have."""
    leaves, tree = jax.tree.flatten(values)
    return tree.unflatten([_picked(*pair) for pair in zip(leaves, indices, strict=True)])


def _picked(value: Array, index: int | None) -> Array:
    if index is None:
        return value
    if value.ndim == 0 or index >= value.shape[0]:
        got = f"{value.shape[0]}" if value.ndim else "a scalar"
        raise ValueError(f"`component(…, {index})` needs a model with more than {index} outputs, got {got}.")
    return value[index]
