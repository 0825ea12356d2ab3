"""Traced functions evaluated by NumPy: where a program runs once, most of the time goes into compiling it.

`interpreted(f)(*args)` is `jax.jit(f)(*args)` up to rounding: the same trace, made once for arguments of
one type, and evaluated equation by equation. What has no rule here is run by JAX.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Primitive, Var
from numpy_rules import RULES

from stde_core._taylor._versions import called, name_of, opened, scan_lengths


def interpreted(function: Callable) -> Callable:
    traces: dict[Any, tuple[Any, Any]] = {}

    @functools.wraps(function)
    def call(*args):
        leaves, structure = jax.tree.flatten(args)
        kind = (structure, *((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves))
        if kind not in traces:
            traces[kind] = jax.make_jaxpr(function, return_shape=True)(*args)
        closed, shape = traces[kind]
        with np.errstate(all="ignore"):
            outputs = _run(closed, list(map(_known, leaves)))
        return jax.tree.unflatten(jax.tree.structure(shape), map(jnp.asarray, outputs))

    return call


def _known(value: Any) -> Any:
    """An array of NumPy; of JAX where it holds keys."""
    is_key = isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.extended)
    return value if is_key else np.asarray(value)


def _run(body: Any, args: list) -> list:
    """The outputs of a jaxpr, open or closed; what is used no more is forgotten."""
    jaxpr, consts = opened(body)
    values: dict[Var, Any] = dict(
        zip([*jaxpr.constvars, *jaxpr.invars], [*map(_known, consts), *args], strict=True)
    )

    def read(atom):
        return np.asarray(atom.val, atom.aval.dtype) if isinstance(atom, Literal) else values[atom]

    for eqn, last in live(jaxpr):
        values.update(zip(eqn.outvars, _evaluate(eqn, list(map(read, eqn.invars))), strict=True))
        for var in last:
            del values[var]
    return list(map(read, jaxpr.outvars))


@functools.lru_cache(maxsize=1000)
def live(jaxpr: Jaxpr) -> list[tuple[JaxprEqn, set[Var]]]:
    """The equations on which an output depends, each with the variables that it is the last to use."""
    wanted, found = _variables(jaxpr.outvars), []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects or not wanted.isdisjoint(eqn.outvars):
            used = _variables(eqn.invars)
            found.append((eqn, used - wanted))
            wanted |= used
    return found[::-1]


def _variables(atoms: list) -> set[Var]:
    return {atom for atom in atoms if not isinstance(atom, Literal)}


def _evaluate(eqn: JaxprEqn, inputs: list) -> list:
    name, params = name_of(eqn.primitive), eqn.params
    if name in CALLS:
        return CALLS[name](inputs, **params)
    if name in RULES and all(isinstance(value, np.ndarray) for value in inputs):
        outputs = RULES[name](*inputs, **params)
    elif name.startswith("random_"):
        # Made of many operations, which would be compiled one by one.
        outputs = _drawing(eqn.primitive, tuple(params.items()))(*inputs)
    else:
        outputs = eqn.primitive.bind(*inputs, **params)
    outputs = outputs if eqn.primitive.multiple_results else [outputs]
    return [_typed(value, var.aval.dtype) for value, var in zip(outputs, eqn.outvars, strict=True)]


@functools.cache
def _drawing(primitive: Primitive, params: tuple) -> Callable:
    return jax.jit(functools.partial(primitive.bind, **dict(params)))


def _typed(value: Any, dtype: Any) -> Any:
    known = _known(value)
    return known if known.dtype == dtype else known.astype(dtype)


# --- what calls a body


def _call(inputs, **params):
    return _run(called(params), inputs)


def _scan(inputs, *, jaxpr, length, reverse, **params):
    num_consts, num_carry = scan_lengths(params)
    consts, rest = inputs[:num_consts], inputs[num_consts:]
    carry, xs, rows = rest[:num_carry], rest[num_carry:], [None] * length
    for i in range(length)[:: -1 if reverse else 1]:
        outputs = _run(jaxpr, [*consts, *carry, *(_known(x[i]) for x in xs)])
        carry, rows[i] = outputs[:num_carry], outputs[num_carry:]
    if not length:
        return [*carry, *(np.zeros((0, *aval.shape), aval.dtype) for aval in jaxpr.out_avals[num_carry:])]
    return [*carry, *map(_stack, zip(*rows, strict=True))]


def _stack(column):
    return np.stack(column) if isinstance(column[0], np.ndarray) else jnp.stack(column)


def _while(inputs, *, cond_nconsts, cond_jaxpr, body_nconsts, body_jaxpr):
    test, step = inputs[:cond_nconsts], inputs[cond_nconsts:][:body_nconsts]
    carry = inputs[cond_nconsts + body_nconsts :]
    while _run(cond_jaxpr, [*test, *carry])[0]:
        carry = _run(body_jaxpr, [*step, *carry])
    return carry


def _cond(inputs, *, branches, **_):
    return _run(branches[int(inputs[0])], inputs[1:])


CALLS = dict.fromkeys(
    ("jit", "call", "closed_call", "eval_jaxpr", "remat", "custom_jvp_call", "custom_vjp_call"), _call
)
CALLS |= {"scan": _scan, "while": _while, "cond": _cond}
