"""The interpreter: a jaxpr evaluated on truncated Taylor polynomials."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from ._polynomial import Polynomial, Value, primal
from ._rules import bind, find_rule, output_avals
from ._truncation import Expansion


def propagate(
    expansion: Expansion,
    jaxpr: Jaxpr,
    consts: Sequence[Value],
    args: Sequence[Value],
    needed: Sequence[bool] | None = None,
) -> list[Any]:
    """The outputs of a jaxpr for polynomials, or constants, as arguments.

    Skips equations that no needed output depends on; outputs not needed are None.
    """
    needed = [True] * len(jaxpr.outvars) if needed is None else needed
    values: dict[Var, Value] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))

    def read(atom: Any) -> Value:
        return _constant(atom) if isinstance(atom, Literal) else values[atom]

    for eqn, wanted in _live(jaxpr, needed):
        outputs = _evaluate(expansion, eqn, [read(atom) for atom in eqn.invars], wanted)
        values.update(zip(eqn.outvars, outputs, strict=True))
    return [read(atom) if need else None for atom, need in zip(jaxpr.outvars, needed, strict=True)]


def _constant(literal: Any) -> np.ndarray:
    return np.asarray(literal.val, literal.aval.dtype)


def _live(jaxpr: Jaxpr, needed: Sequence[bool]) -> list[tuple[JaxprEqn, list[bool]]]:
    """Dead-code elimination: the equations to evaluate, each with a flag per output that is needed."""
    wanted = {v for v, need in zip(jaxpr.outvars, needed, strict=True) if need and not isinstance(v, Literal)}
    live = []
    for eqn in reversed(jaxpr.eqns):
        outputs = [v in wanted for v in eqn.outvars]
        if any(outputs) or eqn.effects:
            live.append((eqn, outputs))
            wanted.update(atom for atom in eqn.invars if not isinstance(atom, Literal))
    return live[::-1]


def _evaluate(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: list[bool]) -> Sequence[Any]:
    active = any(isinstance(value, Polynomial) for value in inputs)
    inexact = any(jnp.issubdtype(aval.dtype, jnp.inexact) for aval in output_avals(eqn))
    if not active or not inexact:
        # No derivative: comparisons and indices, and everything that does not depend on x.
        return bind(eqn, *map(primal, inputs))
    return find_rule(eqn)(expansion, eqn, inputs, wanted)
