"""Rules for scan, while and cond.

A carry needs the same coefficients before and after each step. `_fixed_point` adds zero coefficients until
that holds, as JAX's forward mode of `scan` does with tangents.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from ._interpreter import propagate
from ._polynomial import Polynomial, Value, coefficients, primal
from ._rules import rule
from ._truncation import Expansion, Key
from ._varying import vary, varying_axes
from ._versions import opened, scan_lengths

Keys = list[tuple[Key, ...]]


def _run(expansion: Expansion, body: Any, args: Sequence[Value]) -> list[Value]:
    return [_dense(value) for value in propagate(expansion, *opened(body), args)]


def _dense(value: Value) -> Value:
    """The value in a form that control flow can carry: dense, and without the static flag `vanishes`."""
    if not isinstance(value, Polynomial):
        return jnp.asarray(value)
    return Polynomial(value.primal, value.dense().coefficients)


def _keys(expansion: Expansion, values: Sequence[Value]) -> Keys:
    return [tuple(key for key in expansion.truncation.keys if key in coefficients(value)) for value in values]


def _union(expansion: Expansion, one: Keys, other: Keys) -> Keys:
    return [
        tuple(k for k in expansion.truncation.keys if k in (*a, *b)) for a, b in zip(one, other, strict=True)
    ]


def _with_keys(expansion: Expansion, values: Sequence[Value], keys: Keys) -> list[Value]:
    """The values with exactly these coefficients, zero where they were absent."""

    def widen(value: Value, wanted: tuple[Key, ...]) -> Value:
        if not wanted:
            return value
        constant, terms = primal(value), coefficients(value)
        zeros = {
            key: jnp.zeros((expansion.truncation.samples(key), *constant.shape), constant.dtype)
            for key in wanted
        }
        return Polynomial(constant, {key: terms.get(key, zeros[key]) for key in wanted})

    return [widen(value, wanted) for value, wanted in zip(values, keys, strict=True)]


def _like(expansion: Expansion, values: Sequence[Value], start: Sequence[Value]) -> list[Value]:
    """The values with the coefficients of `start`, varying over the same axes of a mesh."""
    return list(map(vary, _with_keys(expansion, values, _keys(expansion, start)), map(varying_axes, start)))


def _keys_after(
    expansion: Expansion, step: Callable[[list[Value]], list[Value]], args: list[Value]
) -> tuple[Keys, list[frozenset[str]]]:
    """The keys of a function's results, and the axes of a mesh over which these vary."""
    keys: list[Keys] = []

    def run(args: list[Value]) -> list[Value]:
        results = step(args)
        keys.append(_keys(expansion, results))
        return results

    shapes = jax.eval_shape(run, args)
    return keys[-1], [varying_axes(shape) for shape in shapes]


def _fixed_point(
    expansion: Expansion, step: Callable[[list[Value]], list[Value]], start: list[Value]
) -> list[Value]:
    """The start of a loop, with all coefficients that its carry has after any number of steps.

    Inside `jax.shard_map` it varies over all axes of the mesh over which the carry then does.
    """
    while True:
        keys, axes = _keys(expansion, start), list(map(varying_axes, start))
        next_keys, varying = _keys_after(expansion, step, start)
        start = _with_keys(expansion, start, _union(expansion, keys, next_keys))
        start = [vary(value, own | other) for value, own, other in zip(start, axes, varying, strict=True)]
        if (_keys(expansion, start), list(map(varying_axes, start))) == (keys, axes):
            return start


@rule("scan")
def _scan(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    body, (num_consts, num_carry) = eqn.params["jaxpr"], scan_lengths(eqn.params)
    values = [_dense(value) for value in inputs]
    consts, carry, xs = values[:num_consts], values[num_consts:][:num_carry], values[num_consts + num_carry :]

    def step(carry: list[Value], x: list[Value]) -> tuple[list[Value], list[Value]]:
        outputs = _run(expansion, body, [*consts, *carry, *x])
        return _like(expansion, outputs[:num_carry], start), outputs[num_carry:]

    xs = [_swap_leading_axes(x) for x in xs]
    first = jax.tree.map(lambda x: x[0], xs)
    start = _fixed_point(expansion, lambda c: _run(expansion, body, [*consts, *c, *first])[:num_carry], carry)
    options = {name: eqn.params[name] for name in ("length", "reverse", "unroll")}
    carry, ys = jax.lax.scan(step, start, xs, **options)
    return [*carry, *map(_swap_leading_axes, ys)]


def _swap_leading_axes(value: Value) -> Value:
    """Coefficients `[n, length, …]` as `[length, n, …]`, the form that `scan` maps over, and back."""
    if not isinstance(value, Polynomial):
        return value
    return Polynomial(value.primal, {k: jnp.swapaxes(c, 0, 1) for k, c in value.coefficients.items()})


@rule("while")
def _while(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    tests, bodies = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    values = [_dense(value) for value in inputs]
    test_consts, consts, carry = values[:tests], values[tests:][:bodies], values[tests + bodies :]

    def step(carry: list[Value]) -> list[Value]:
        return _run(expansion, eqn.params["body_jaxpr"], [*consts, *carry])

    def test(carry: list[Value]) -> Any:
        # A condition has no derivative: constants in, a constant out.
        (go_on,) = _run(expansion, eqn.params["cond_jaxpr"], [*map(primal, test_consts), *map(primal, carry)])
        return go_on

    start = _fixed_point(expansion, step, carry)
    return jax.lax.while_loop(test, lambda carry: _like(expansion, step(carry), start), start)


@rule("cond")
def _cond(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Sequence[bool]) -> Sequence[Any]:
    index, *operands = map(_dense, inputs)
    branches = [lambda args, body=body: _run(expansion, body, args) for body in eqn.params["branches"]]
    keys: Keys = [() for _ in eqn.outvars]
    axes: list[frozenset[str]] = [frozenset() for _ in eqn.outvars]
    for branch in branches:
        branch_keys, varying = _keys_after(expansion, branch, operands)
        keys = _union(expansion, keys, branch_keys)
        axes = [one | other for one, other in zip(axes, varying, strict=True)]

    def widened(branch: Callable[[list[Value]], list[Value]]) -> Callable[[list[Value]], list[Value]]:
        return lambda args: list(map(vary, _with_keys(expansion, branch(args), keys), axes))

    return jax.lax.switch(index, [widened(branch) for branch in branches], operands)
