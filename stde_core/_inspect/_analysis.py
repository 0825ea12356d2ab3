"""Which equations of a model have a derivative in x: an abstract interpretation of its jaxpr.

Of an array only the degree in x is known. Derivatives of a higher order than the degree of the output are 0
almost everywhere, such as the Laplacian of a relu network.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

from jax.extend.core import Jaxpr, JaxprEqn, Var

from .._taylor._linear import additive, constant, linear
from .._taylor._rules import REGISTERED, find_rule
from .._taylor._versions import called, name_of, opened, scan_lengths
from ._equation import CALLS, Degree, Equation, is_inexact

Degrees: TypeAlias = Sequence[Degree]

Analysis: TypeAlias = tuple[Degrees, list[Equation]]
"""The degrees of the outputs, and the equations that have a derivative in x."""

# Degrees above this count as ∞, since in a loop such as `c = c * x` they would grow for ever. Few operators
# are of a higher order; for those the warning is less precise.
_HIGHEST = 16

# How a variable acts on the outputs: by its value alone; by its derivative too, but only through logarithms
# and even powers; or in any way. The middle one is for |z|, of which log |z| and |z|² have no kink.
_VALUE, _EVEN, _SIGNED = range(3)


def analyse(jaxpr: Jaxpr, inputs: Degrees, callers: tuple[Equation, ...] = ()) -> Analysis:
    """Follows degrees through a jaxpr and the functions that it calls."""
    degrees: dict[Var, Degree] = dict(zip(jaxpr.invars, inputs, strict=True))
    equations: list[Equation] = []

    def read(atom: Any) -> Degree:
        return degrees.get(atom) if isinstance(atom, Var) else None

    for eqn, differentiated in _live(jaxpr, not callers or callers[-1].differentiated):
        equation = Equation(eqn, tuple(map(read, eqn.invars)), differentiated, callers)
        outputs, inner = [_join(*equation.degrees)] * len(eqn.outvars), []
        if equation.active:
            outputs, inner = _transfer(equation)
            equations += inner if equation.primitive in CALLS else [equation, *inner]
        degrees.update(zip(eqn.outvars, map(_bounded, outputs, eqn.outvars), strict=True))
    return [read(atom) for atom in jaxpr.outvars], equations


def derivative_degree(equation: Equation) -> Degree:
    """The degree of the derivative of a function with a rule of its own; ∞ where none is known."""
    # Such a rule may call the function itself, as that of exp would, and so on: one level is followed.
    if any(caller.primitive == "custom_jvp_call" for caller in equation.callers):
        return math.inf
    try:
        jaxpr = equation.derivative(1)
    except Exception:
        return math.inf
    inputs = [*equation.degrees, *(None for _ in equation.active)]
    return _join(*analyse(jaxpr, inputs, (*equation.callers, equation))[0])


def _live(jaxpr: Jaxpr, differentiated: bool) -> list[tuple[JaxprEqn, bool]]:
    """The equations that the outputs depend on, and whether derivatives of the outputs go through each."""
    uses = dict.fromkeys(_variables(jaxpr.outvars), _SIGNED if differentiated else _VALUE)
    found = []
    for eqn in reversed(jaxpr.eqns):
        if uses.keys().isdisjoint(eqn.outvars):
            continue
        name = name_of(eqn.primitive)
        use = max(uses[v] if v in uses and is_inexact(v) else _VALUE for v in eqn.outvars)
        found.append((eqn, use > (_EVEN if name == "abs" else _VALUE)))
        even = name in ("log", "square") or (name == "integer_pow" and eqn.params["y"] % 2 == 0)
        lost = use == _VALUE or find_rule(eqn) is constant
        for v in _variables(eqn.invars):
            uses[v] = max(uses.get(v, _VALUE), _VALUE if lost else _EVEN if even else _SIGNED)
    return found[::-1]


def _transfer(equation: Equation) -> Analysis:
    """The degrees of an active equation's outputs, and the equations in the functions that it calls."""
    inputs, params = equation.degrees, equation.eqn.params

    def call(body: Any, inputs: Degrees) -> Analysis:
        return analyse(opened(body)[0], inputs, (*equation.callers, equation))

    match equation.primitive:
        case _ if equation.eqn.primitive in REGISTERED:
            pass
        case "scan":
            consts, carried = scan_lengths(params)
            carry, xs = inputs[consts:][:carried], inputs[consts + carried :]
            return _loop(partial(call, params["jaxpr"]), inputs[:consts], carry, xs)
        case "while":
            tests, consts = params["cond_nconsts"], params["body_nconsts"]
            step = partial(call, params["body_jaxpr"])
            outputs, inner = _loop(step, inputs[tests:][:consts], inputs[tests + consts :])
            (test,), _ = call(params["cond_jaxpr"], [*inputs[:tests], *outputs])
            return [_join(test, degree) for degree in outputs], inner
        case "cond":
            branches = [call(branch, inputs[1:]) for branch in params["branches"]]
            outputs = [_join(inputs[0], *ds) for ds in zip(*(ds for ds, _ in branches), strict=True)]
            return outputs, [found for _, inner in branches for found in inner]
        case "linear_solve":
            matrix = inputs[: params["const_lengths"].matvec]
            outputs = [_degree(equation)] * len(equation.eqn.outvars)
            return outputs, call(params["jaxprs"].matvec, [*matrix, *outputs])[1]
        case name if name in (*CALLS, "custom_vjp_call"):
            return call(called(params), inputs)
    return [_degree(equation)] * len(equation.eqn.outvars), []


def _loop(step: Callable[..., Analysis], consts: Degrees, carry: Degrees, xs: Degrees = ()) -> Analysis:
    """A loop, with the degrees that its carry has after any number of steps: a fixpoint."""
    while True:
        outputs, inner = step([*consts, *carry, *xs])
        after = tuple(map(_join, carry, outputs))
        if after == carry:
            return [*carry, *outputs[len(carry) :]], inner
        carry = after


def _degree(equation: Equation) -> float:
    """The degree of the outputs of an active equation, all but those that call a function."""
    degrees, rule, params = equation.degrees, find_rule(equation.eqn), equation.eqn.params
    highest = max(filter(None, degrees))
    match equation.primitive:
        case "mul" | "dot_general" | "conv_general_dilated" | "scatter_mul":
            return sum(filter(None, degrees))
        case "square":
            return 2 * highest
        case "integer_pow" if params["y"] > 0:
            return params["y"] * highest
        case "custom_jvp_call":
            return highest + (derivative_degree(equation) or 0.0)
        case "div" if not degrees[1]:
            return highest
        case "triangular_solve" | "linear_solve" if not any(degrees[:-1]):
            return highest
        case _ if rule is constant:
            return 0.0
        case _ if rule in (linear, additive) and equation.support == "rule":
            return highest
    return math.inf


def _join(*degrees: Degree) -> Degree:
    return max((degree for degree in degrees if degree is not None), default=None)


def _bounded(degree: Degree, variable: Var) -> Degree:
    if degree is None:
        return None
    if not is_inexact(variable):
        return 0.0  # integers change in steps
    return degree if degree <= _HIGHEST else math.inf


def _variables(atoms: Iterable[Any]) -> set[Var]:
    return {atom for atom in atoms if isinstance(atom, Var)}
