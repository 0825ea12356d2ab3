"""A model as one flat list of primitives, for Taylor mode to walk through."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from .._types import Model, Point


def inline(model: Model, x: Point) -> Model:
    """The model with `jit`, `remat`, custom derivatives and other calls replaced by their bodies.

    Of the `custom_jvp` functions only relu is replaced, by a selection with the derivatives of its
    rule. The others stay, because their rule may differ from the derivative of their body
    (softplus and sinc at 0). A `custom_vjp` has no forward rule, so its body is differentiated.
    """
    closed = jax.make_jaxpr(model)(x)

    def inlined(x: Point) -> Any:
        return _evaluate(closed.jaxpr, closed.consts, [x])[0]

    return inlined


def _evaluate(jaxpr: Jaxpr, consts: list[Any], args: list[Any]) -> list[Any]:
    values: dict[Var, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else values[atom]

    for eqn in jaxpr.eqns:
        inputs = [read(atom) for atom in eqn.invars]
        body = _body(eqn)
        if _is_relu(eqn):
            outputs = [jax.lax.select(inputs[0] > 0, inputs[0], jnp.zeros_like(inputs[0]))]
        elif body is not None:
            outputs = _evaluate(body.jaxpr, body.consts, inputs)
        else:
            outputs = eqn.primitive.bind(*inputs, **eqn.primitive.get_bind_params(eqn.params))
            outputs = outputs if eqn.primitive.multiple_results else [outputs]
        values.update(zip(eqn.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _body(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """What a call-like primitive calls; None for a primitive that stays."""
    match eqn.primitive.name:
        case "jit" | "pjit" | "closed_call" | "core_closed_call":
            return eqn.params["jaxpr"] if "jaxpr" in eqn.params else eqn.params["call_jaxpr"]
        case "checkpoint" | "remat" | "remat2":
            return ClosedJaxpr(eqn.params["jaxpr"], ())
        case "custom_vjp_call" | "custom_vjp_call_jaxpr":
            return eqn.params.get("call_jaxpr") or eqn.params["fun_jaxpr"]
        case _:
            return None


def _is_relu(eqn: JaxprEqn) -> bool:
    """Whether this is `jax.nn.relu`: a custom_jvp of that name around one `max` with 0."""
    if eqn.primitive.name != "custom_jvp_call":
        return False
    body = eqn.params["call_jaxpr"].jaxpr
    while len(body.eqns) == 1 and body.eqns[0].primitive.name in ("jit", "pjit"):
        name, body = body.eqns[0].params["name"], body.eqns[0].params["jaxpr"].jaxpr
        if name == "relu" and [e.primitive.name for e in body.eqns] == ["max"]:
            return isinstance(body.eqns[0].invars[1], Literal)
    return False


def primitives(model: Model, x: Point) -> set[str]:
    """The names of the primitives through which the model's output depends on `x`."""
    jaxpr = jax.make_jaxpr(model)(x).jaxpr
    dependent: set[Var] = set(jaxpr.invars)
    names: set[str] = set()
    for eqn in jaxpr.eqns:
        if any(not isinstance(atom, Literal) and atom in dependent for atom in eqn.invars):
            dependent.update(eqn.outvars)
            names.add(eqn.primitive.name)
    return names
