"""The degree in x of a piecewise polynomial, such as a relu network.

Derivatives of a higher order than the degree are 0 almost everywhere, and `check_model` warns of that.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from .._taylor._linear import additive, linear
from .._taylor._rules import find_rule
from .._taylor._versions import name_of

Degree: TypeAlias = float | None
"""The array is polynomials in x of at most this degree, piece by piece: of degree 0 where it takes
steps, ∞ where nothing is known, None where it does not depend on x at all."""

# Higher degrees, as of powers in loops, count as ∞.
_HIGHEST = 16


def degree(eqn: JaxprEqn, inputs: Sequence[Degree]) -> Degree:
    """The degree of the smooth outputs of an equation that calls no function."""
    known = [d for d in inputs if d is not None]
    if not known:
        return None
    found = _degree(eqn, inputs, known) if max(known) > 0 else 0.0
    return found if found <= _HIGHEST else math.inf


def _degree(eqn: JaxprEqn, inputs: Sequence[Degree], known: Sequence[float]) -> float:
    first, last = inputs[0] or 0.0, inputs[-1] or 0.0
    match name_of(eqn.primitive):
        case "mul" | "dot_general" | "conv_general_dilated" | "scatter_mul":
            return sum(known)
        case "div":
            return first if last == 0 else math.inf
        case "triangular_solve" | "linear_solve":
            return last if not any(inputs[:-1]) else math.inf
        case "integer_pow" if eqn.params["y"] > 0:
            return first * eqn.params["y"]
        case "square":
            return first * 2
        case "abs" if jnp.issubdtype(eqn.invars[0].aval.dtype, jnp.complexfloating):  # pyright: ignore[reportAttributeAccessIssue]
            return math.inf
        case _:
            return max(known) if find_rule(eqn) in (linear, additive) else math.inf
