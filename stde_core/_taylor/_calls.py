"""Rules for primitives that call a function: the interpreter goes through its body."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import JaxprEqn

from ._fallback import linearized
from ._interpreter import propagate
from ._polynomial import Polynomial, Value, compose, primal
from ._rules import bind, rule
from ._truncation import Expansion
from ._versions import called, name_of, opened, params_behind_flags


@rule("jit", "call", "closed_call", "eval_jaxpr", "linear_call", "custom_vjp_call")
def _call(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    # A custom_vjp has no forward rule, so its body is all there is.
    return propagate(expansion, *opened(called(eqn.params)), inputs, wanted)


@rule("remat")
def _remat(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    return _checkpointed(expansion, eqn.params, inputs, wanted)


@rule("call_hi_primitive")
def _behind_flags(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    params = params_behind_flags(eqn.params)
    if "prevent_cse" in params:
        return _checkpointed(expansion, params, inputs, wanted)
    return linearized(expansion, eqn, inputs, wanted)


def _checkpointed(
    expansion: Expansion, params: Mapping[str, Any], inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    """The body under `jax.checkpoint` again, so that a gradient does not keep its coefficients."""
    structure: list[Any] = []

    def body() -> list[Any]:
        outputs = propagate(expansion, *opened(called(params)), inputs, wanted)
        leaves, tree = jax.tree.flatten(outputs)
        structure.append(tree)
        return leaves

    leaves = jax.checkpoint(body, policy=params["policy"], prevent_cse=params["prevent_cse"])()
    return jax.tree.unflatten(structure[-1], leaves)


@rule("custom_jvp_call")
def _custom_jvp(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
) -> Sequence[Any]:
    """By the custom rule, which may differ from the derivative of the body (softplus at 0).

    `jax.nn.relu` is so common that it has a rule here: its derivative is the step function, 0 at 0.
    """
    if not is_relu(eqn, *map(primal, inputs)):
        return linearized(expansion, eqn, inputs, wanted)
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    (value,) = bind(eqn, inner.primal)
    return [compose(expansion, [value, (inner.primal > 0).astype(value.dtype)], inner)]


def is_relu(eqn: JaxprEqn, *args: Any) -> bool:
    """Whether a custom_jvp is `jax.nn.relu`, whose value and derivative rule have the same trace.

    A name would not do: a custom_jvp around another function called relu has another rule. `args` are
    arrays, or structs, of its arguments' shapes and dtypes.
    """
    body = opened(called(eqn.params))[0]
    if [name_of(inner.primitive) for inner in body.eqns] != ["jit"] or len(args) != 1:
        return False

    def traced(function: Any) -> str:
        return str(jax.make_jaxpr(lambda x, dx: jax.jvp(function, (x,), (dx,)))(*args, *args))

    return traced(lambda x: bind(eqn, x)[0]) == traced(jax.nn.relu)
