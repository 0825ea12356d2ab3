"""Rules for primitives that call a function: its body is pushed through in their place."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import JaxprEqn

from ._interpreter import push
from ._layout import Layout
from ._linearized import linearized
from ._polynomial import Polynomial, Value, compose, primal
from ._rules import bind, rule
from ._versions import called, name_of, opened, params_behind_flags


@rule("jit", "call", "closed_call", "eval_jaxpr", "linear_call", "custom_vjp_call")
def _call(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    """The body, that of a custom_vjp too, which has no forward rule."""
    return push(layout, *opened(called(eqn.params)), inputs, wanted)


@rule("remat")
def _remat(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    return _checkpointed(layout, eqn.params, inputs, wanted)


@rule("call_hi_primitive")
def _behind_flags(
    layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    params = params_behind_flags(eqn.params)
    if "prevent_cse" in params:
        return _checkpointed(layout, params, inputs, wanted)
    return linearized(layout, eqn, inputs, wanted)


def _checkpointed(
    layout: Layout, params: Mapping[str, Any], inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    """The body under `jax.checkpoint` again, so that its coefficients are not kept for a gradient either."""
    structure: list[Any] = []

    def body() -> list[Any]:
        outputs = push(layout, *opened(called(params)), inputs, wanted)
        leaves, tree = jax.tree.flatten(outputs)
        structure.append(tree)
        return leaves

    leaves = jax.checkpoint(body, policy=params["policy"], prevent_cse=params["prevent_cse"])()
    return jax.tree.unflatten(structure[-1], leaves)


@rule("custom_jvp_call")
def _custom_jvp(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    """A custom_jvp keeps its rule, which may differ from the derivative of its body (softplus at 0).

    relu is the one that is known: its rule is the step function, 0 at 0.
    """
    if not is_relu(eqn, *map(primal, inputs)):
        return linearized(layout, eqn, inputs, wanted)
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    (value,) = bind(eqn, inner.primal)
    return [compose(layout, [value, (inner.primal > 0).astype(value.dtype)], inner)]


def is_relu(eqn: JaxprEqn, *args: Any) -> bool:
    """Whether a custom_jvp is `jax.nn.relu`: traced, both it and its derivative rule read the same.

    `args` are arrays of its arguments' shapes and dtypes, or structs.
    """
    body = opened(called(eqn.params))[0]
    if [name_of(inner.primitive) for inner in body.eqns] != ["jit"] or len(args) != 1:
        return False

    def traced(function: Any) -> str:
        return str(jax.make_jaxpr(lambda x, dx: jax.jvp(function, (x,), (dx,)))(*args, *args))

    return traced(lambda x: bind(eqn, x)[0]) == traced(jax.nn.relu)
