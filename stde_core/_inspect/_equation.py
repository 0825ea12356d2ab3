"""One equation of a model's jaxpr: where it is written, and how the engine differentiates it."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn
from jax.extend.source_info_util import summarize

from .._taylor._calls import is_relu
from .._taylor._fallback import linearized
from .._taylor._rules import OTHERS, REGISTERED, RULES, bind, find_rule
from .._taylor._versions import called, name_of, opened

Degree: TypeAlias = float | None
"""The array is, piece by piece, a polynomial in x of at most this degree.

0 where it changes in steps only, ∞ where nothing is known, None where it does not depend on x.
"""

CALLS = ("jit", "call", "closed_call", "eval_jaxpr", "linear_call", "remat")
"""Primitives that only call a function: reports list what is in the function instead."""

_CORE, _EQUINOX = (f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], Path(eqx.__file__).parent))


@dataclass(frozen=True)
class Equation:
    """An equation, and what the analysis knows of it.

    - `degrees`: those of its inputs.
    - `differentiated`: whether derivatives of the model go through it.
    - `callers`: the equations that call the functions around it, outermost first.
    """

    eqn: JaxprEqn
    degrees: tuple[Degree, ...]
    differentiated: bool
    callers: tuple["Equation", ...]

    @property
    def primitive(self) -> str:
        return name_of(self.eqn.primitive)

    @property
    def name(self) -> str:
        """The function that it calls or that has a derivative of its own, or else the primitive."""
        if self.primitive in (*CALLS, "custom_jvp_call", "custom_vjp_call"):
            return opened(called(self.eqn.params))[0].debug_info.func_name
        return self.eqn.primitive.name

    @property
    def place(self) -> str:
        """The function around it and the line of the model, as far as they are known."""
        functions = [caller.name for caller in self.callers if not caller.name.startswith("_")]
        around = [f"in {function}" for function in functions[-1:]]
        return ", ".join(filter(None, [*around, _line((*self.callers, self)[0].eqn)]))

    @property
    def active(self) -> list[int]:
        """The inputs through which the outputs have a derivative."""
        smooth = any(map(is_inexact, self.eqn.outvars))
        return [i for i, degree in enumerate(self.degrees) if degree and smooth]

    @property
    def inputs(self) -> list[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the inputs."""
        return [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in self.eqn.invars]  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def support(self) -> str:
        """How the engine differentiates it, in the words of `PrimitiveUse`; but for `"impossible"`."""
        rule = find_rule(self.eqn)
        match self.primitive:
            case _ if self.eqn.primitive in REGISTERED:
                return "rule"
            case "custom_vjp_call":
                return "body"
            case "custom_jvp_call":
                return "rule" if is_relu(self.eqn, *self.inputs) else "derivative"
            case "pow" if 1 in self.active:
                return "derivative"
            case "abs" if jnp.issubdtype(self.inputs[0].dtype, jnp.complexfloating):
                return "derivative"
            case _ if rule is RULES[OTHERS]:
                return "none"
        return "derivative" if rule is linearized else "rule"

    def derivative(self, order: int) -> Jaxpr:
        """A directional derivative, of the inputs and tangents of the active ones; raises where JAX does."""

        def along(order: int, inputs: list[Any], tangents: list[Any]) -> list[Any]:
            if order == 0:
                return [y for y in bind(self.eqn, *inputs) if jnp.issubdtype(y.dtype, jnp.inexact)]

            def lower(*points: Any) -> list[Any]:
                values = dict(enumerate(inputs)) | dict(zip(self.active, points, strict=True))
                return along(order - 1, list(values.values()), tangents)

            return jax.jvp(lower, [inputs[i] for i in self.active], tangents)[1]

        tangents = [self.inputs[i] for i in self.active]
        return jax.make_jaxpr(partial(along, order))(self.inputs, tangents).jaxpr

    def obstacle(self) -> str:
        """Why JAX cannot differentiate it forward, found by trying; "" if it can."""
        # A derivative rule may use what has none itself, so that the second derivative is tried too.
        for order, beginning in ((1, ""), (2, "from the second derivative on: ")):
            try:
                self.derivative(order)
            except Exception as error:
                return beginning + first_line(error)
        return ""


def is_inexact(variable: Any) -> bool:
    """Whether it can have a derivative: floating-point or complex."""
    return jnp.issubdtype(variable.aval.dtype, jnp.inexact)


def first_line(error: Exception) -> str:
    """The beginning of an error's message."""
    return (str(error).strip() or "no message").splitlines()[0].strip()


def _line(eqn: JaxprEqn) -> str:
    """The innermost line of the model's own code, as `file:line`; "" if there is none."""
    frames = reversed(summarize(eqn.source_info, num_frames=100).splitlines())
    frame = next((frame for frame in frames if not frame.startswith(_EQUINOX)), _CORE)
    if frame.startswith(_CORE):  # it called JAX or Equinox directly
        return ""
    path, line, _ = frame.rsplit(":", 2)  # `path:line:column (function)`
    return f"{Path(path).name}:{line}"
