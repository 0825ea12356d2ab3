"""Primitives that JAX does not have, for what the engine does with those it does not know."""

from collections.abc import Callable
from typing import Any

from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def primitive(name: str, function: Callable, *, derivative: Callable | None = None) -> Primitive:
    """A primitive that acts entry by entry as `function`, with the `derivative` of that, or none."""
    made = Primitive(name)
    made.def_impl(function)
    made.def_abstract_eval(lambda *avals, **_: avals[0])
    mlir.register_lowering(made, mlir.lower_fun(function, multiple_results=False))
    batching.defvectorized(made)
    if derivative is not None:
        ad.defjvp(made, lambda tangent, x, **params: tangent * derivative(x, **params))
    return made


def pair(name: str, function: Callable[..., tuple[Any, Any]]) -> Primitive:
    """A primitive of one array with two results like it, and no derivative."""
    made = Primitive(name)
    made.multiple_results = True
    made.def_impl(function)
    made.def_abstract_eval(lambda aval: (aval, aval))
    mlir.register_lowering(made, mlir.lower_fun(function, multiple_results=True))
    return made
