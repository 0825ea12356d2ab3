"""Rules for primitives that call a function: its body is pushed through in their place."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Literal
from jaxtyping import Array

from ._interpreter import push
from ._layout import Layout
from ._linearized import linearized
from ._polynomial import Polynomial, Value, compose
from ._rules import rule


@rule("jit", "pjit", "closed_call", "core_closed_call", "custom_lin")
def _call(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    body = eqn.params["jaxpr"] if "jaxpr" in eqn.params else eqn.params["call_jaxpr"]
    return push(layout, body.jaxpr, body.consts, inputs, wanted)


@rule("checkpoint", "remat", "remat2")
def _remat(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    return push(layout, eqn.params["jaxpr"], (), inputs, wanted)


@rule("custom_vjp_call", "custom_vjp_call_jaxpr")
def _custom_vjp(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    """A custom_vjp has no forward rule, so its body is differentiated."""
    body = eqn.params.get("call_jaxpr") or eqn.params["fun_jaxpr"]
    return push(layout, body.jaxpr, body.consts, inputs, wanted)


@rule("custom_jvp_call")
def _custom_jvp(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    """A custom_jvp keeps its rule, which may differ from the derivative of its body (softplus at 0).

    relu is the one that is known: its rule is the step function, 0 at 0.
    """
    if not is_relu(eqn):
        return linearized(layout, eqn, inputs, wanted)
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    positive = inner.primal > 0
    value: Array = jnp.where(positive, inner.primal, 0)
    return [compose(layout, [value, positive.astype(value.dtype)], inner)]


def is_relu(eqn: JaxprEqn) -> bool:
    """Whether a custom_jvp is `jax.nn.relu`: of that name, around one `max` with a constant."""
    body = eqn.params["call_jaxpr"].jaxpr
    while len(body.eqns) == 1 and body.eqns[0].primitive.name in ("jit", "pjit"):
        name, body = body.eqns[0].params["name"], body.eqns[0].params["jaxpr"].jaxpr
        if name == "relu" and [e.primitive.name for e in body.eqns] == ["max"]:
            return isinstance(body.eqns[0].invars[1], Literal)
    return False
