"""Rules for primitives that other packages, or users, register."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Primitive

from ._interpreter import propagate
from ._polynomial import Polynomial, Value, compose, primal
from ._rules import REGISTERED, Rule, output_avals
from ._truncation import Expansion
from ._versions import opened

F = TypeVar("F", bound=Callable[..., Any])


def taylor_rule(primitive: Primitive, *, scalar: bool = False) -> Callable[[F], F]:
    """Gives a primitive a rule in the Taylor engine: a decorator, which returns the function unchanged.

    The engine differentiates a primitive without a rule by its own derivative rule, once per order. That
    is right but slow at high orders: the engine warns, and `stde.check_model` says so beforehand. A
    primitive without a derivative rule cannot be differentiated at all. There are two ways to write a
    rule:

    - The primitive in terms of others. The function takes the arguments and parameters of the
      primitive's `bind` and computes the same outputs by other primitives, which the engine
      differentiates instead::

        @stde.taylor_rule(matern_p)
        def _(r, *, length):
            return (1 + r / length) * jnp.exp(-r / length)

      Cost: that of the other primitives, which also compute the value in an estimate.

    - The derivatives of a smooth function φ of one variable that acts entry by entry (`scalar=True`).
      The function takes the argument z, an order K and the primitive's parameters, and returns the
      K + 1 normalised derivatives `[φ(z), φ'(z), φ''(z)/2!, …, φ^(K)(z)/K!]`, each of z's shape (or a
      number, or None where it is 0 for all z). For `φ(z) = z exp(−z)`::

        @stde.taylor_rule(ricker_p, scalar=True)
        def _(z, order):
            e = jnp.exp(-z)
            return [(-1) ** k / math.factorial(k) * (z - k) * e for k in range(order + 1)]

      Cost: one call at the primal, for all samples together, and the products of any composition. Best
      where a recurrence gives the derivatives.

    A rule holds for the whole process. A second one replaces the first, and one for a primitive of JAX
    replaces the library's. Functions compiled before keep the old rule.

    Raises `TypeError` if `primitive` is no primitive or the decorated object no function; and, when the
    rule is used, `ValueError` for outputs that differ from the primitive's in number, shape or dtype.
    """
    if not isinstance(primitive, Primitive):
        raise TypeError(
            f"`stde.taylor_rule(primitive)` needs a `jax.extend.core.Primitive`, got {primitive!r}; those of "
            "a model are `[eqn.primitive for eqn in jax.make_jaxpr(model)(x).eqns]`, and JAX's own are in "
            "`jax.extend.core.primitives`."
        )

    def register(function: F) -> F:
        if not callable(function):
            raise TypeError(f"`stde.taylor_rule({primitive.name})` decorates a function, got {function!r}.")
        REGISTERED[primitive] = _scalar_rule(function) if scalar else _rewriting_rule(function)
        return function

    return register


def _rewriting_rule(function: Callable[..., Any]) -> Rule:
    def rule(
        expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        params, several = eqn.primitive.get_bind_params(eqn.params), eqn.primitive.multiple_results

        def outputs(*args: Any) -> list[Any]:
            returned = function(*args, **params)
            listed = several and isinstance(returned, Sequence)
            return list(map(jnp.asarray, returned if listed else [returned]))

        jaxpr = jax.make_jaxpr(outputs)(*map(primal, inputs))
        got, needed = _shown(jaxpr.out_avals), _shown(output_avals(eqn))
        if got != needed:
            raise ValueError(
                f"The function given to `stde.taylor_rule({eqn.primitive.name})` returned {got}; "
                f"it needs to return what the primitive does, {needed}."
            )
        return propagate(expansion, *opened(jaxpr), inputs, wanted)

    return rule


def _scalar_rule(function: Callable[..., Any]) -> Rule:
    def rule(
        expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        call = f"stde.taylor_rule({eqn.primitive.name}, scalar=True)"
        (output, *more_outputs), (inner, *more_inputs) = output_avals(eqn), inputs
        if more_outputs or more_inputs or output.shape != primal(inner).shape:
            raise ValueError(
                f"`{call}` is for a primitive with one argument and one output of the same shape; leave out "
                "`scalar` and write the primitive in other words."
            )
        assert isinstance(inner, Polynomial)
        z, order, dtype = inner.primal, expansion.truncation.order, output.dtype
        returned = function(z, order, **eqn.params)
        terms = returned if isinstance(returned, Sequence) else [returned]
        series = [None if term is None else jnp.asarray(term, dtype) for term in terms]
        shapes = [None if term is None else term.shape for term in series]
        if len(shapes) != order + 1 or shapes[0] != z.shape or not {*shapes} <= {None, (), z.shape}:
            raise ValueError(
                f"The function given to `{call}` returned derivatives of shapes {shapes}; it needs to return "
                f"a list of those of orders 0 to {order}, {order + 1} arrays of shape {z.shape}."
            )
        return [compose(expansion, series, inner)]

    return rule


def _shown(avals: Sequence[Any]) -> str:
    return ", ".join(f"{aval.dtype}{list(aval.shape)}" for aval in avals) or "nothing"
