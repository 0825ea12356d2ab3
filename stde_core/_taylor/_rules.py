"""The table of rules: how each primitive acts on truncated Taylor polynomials."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from jax.extend.core import JaxprEqn, Primitive
from jaxtyping import Array

from ._truncation import Expansion
from ._versions import name_of

Rule: TypeAlias = Callable[[Expansion, JaxprEqn, list[Any], Sequence[bool]], Sequence[Any]]
"""`rule(expansion, eqn, inputs, wanted)`: the outputs of an equation, as polynomials or arrays.

At least one input is a polynomial. `wanted` has a flag per output; the others may be anything.
"""

R = TypeVar("R", bound=Rule)

OTHERS = ""
"""The key of the rule for primitives without one, and for those that are not JAX's own."""

# By name, not by object: JAX publishes no object for some of its primitives (`_versions.name_of`).
RULES: dict[str, Rule] = {}
REGISTERED: dict[Primitive, Rule] = {}


def rule(*names: str) -> Callable[[R], R]:
    """Registers a rule for primitives of JAX, by the names of `name_of`."""

    def register(function: R) -> R:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def find_rule(eqn: JaxprEqn) -> Rule:
    """The rule of the equation's primitive; one registered from outside comes first."""
    return REGISTERED.get(eqn.primitive) or RULES.get(name_of(eqn.primitive)) or RULES[OTHERS]


def output_avals(eqn: JaxprEqn) -> list[Any]:
    """Shape and dtype of each output."""
    return [v.aval for v in eqn.outvars]


def bind(eqn: JaxprEqn, *args: Any) -> Sequence[Array]:
    """The outputs of an equation for arrays."""
    outputs = eqn.primitive.bind(*args, **eqn.primitive.get_bind_params(eqn.params))
    return outputs if eqn.primitive.multiple_results else [outputs]
