"""What the engine can do about one equation of a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from .._taylor._calls import is_relu
from .._taylor._fallback import linearized
from .._taylor._rules import OTHERS, REGISTERED, RULES, bind, find_rule
from .._taylor._versions import called, name_of, opened
from ._degree import Degree

CALLS = ("jit", "call", "closed_call", "eval_jaxpr", "linear_call", "remat")


@dataclass(frozen=True)
class Place:
    """Where equations stand in a model.

    - `within`: the function that they are in.
    - `source`: the line of the model, "" where none is known; None for that of each equation itself.
    - `felt`: whether a derivative of the output goes through them.
    - `in_rule`: whether they belong to the derivative rule of a custom_jvp.
    """

    within: str = ""
    source: str | None = None
    felt: bool = True
    in_rule: bool = False


@dataclass(frozen=True)
class Site:
    """An equation of a model, with the degrees of its inputs."""

    eqn: JaxprEqn
    inputs: tuple[Degree, ...]
    place: Place

    @property
    def primitive(self) -> str:
        return name_of(self.eqn.primitive)

    @property
    def name(self) -> str:
        """The primitive, or the function with a custom derivative, or that is called."""
        if self.primitive in CALLS:
            return self.eqn.params.get("name", "")
        if self.primitive not in ("custom_jvp_call", "custom_vjp_call"):
            return self.eqn.primitive.name
        return opened(called(self.eqn.params))[0].debug_info.func_name

    @property
    def moving(self) -> list[int]:
        """The inputs that have a derivative."""
        return [i for i, d in enumerate(self.inputs) if d and is_kind(self.eqn.invars[i], jnp.inexact)]

    @property
    def smooth(self) -> list[bool]:
        """Which outputs can have one."""
        return [is_kind(v, jnp.inexact) for v in self.eqn.outvars]

    @property
    def support(self) -> str:
        """How it is differentiated, as `PrimitiveUse` names the ways."""
        found = find_rule(self.eqn)
        custom = self.primitive == "custom_jvp_call" and not is_relu(self.eqn, *self.arguments)
        power = self.primitive == "pow" and 1 in self.moving
        modulus = self.primitive == "abs" and is_kind(self.eqn.invars[0], jnp.complexfloating)
        if self.eqn.primitive in REGISTERED:
            return "rule"
        if found is RULES[OTHERS]:
            return "none"
        if found is linearized or custom or power or modulus:
            return "derivative"
        return "body" if self.primitive == "custom_vjp_call" else "rule"

    @property
    def arguments(self) -> list[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the inputs."""
        return [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in self.eqn.invars]  # pyright: ignore[reportAttributeAccessIssue]

    def outputs(self, *args: Any) -> list[Any]:
        """The outputs that can have a derivative, from all inputs."""
        return [y for y, smooth in zip(bind(self.eqn, *args), self.smooth, strict=True) if smooth]

    def along(self, function: Callable[..., Any], args: Sequence[Any]) -> Callable[..., Any]:
        """A function of all inputs, as a function of the differentiable ones alone; `args` has the others."""

        def of_moving(*points: Any) -> Any:
            values = list(args)
            for i, point in zip(self.moving, points, strict=True):
                values[i] = point
            return function(*values)

        return of_moving

    def obstacle(self) -> str | None:
        """Why JAX has no forward derivative of it, or no second one; found by trying. None if it has."""

        def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
            """What the derivative of a function remembers of its inputs."""

            def of_inputs(*args: Any) -> list[Any]:
                points = [args[i] for i in self.moving]
                leaves = jax.tree.leaves(jax.linearize(self.along(function, args), *points)[1])
                return [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)]

            return of_inputs

        function = self.outputs
        for beginning in ("", "from the second derivative on: "):
            function = remembered(function)
            try:
                jax.make_jaxpr(function)(*self.arguments)
            except Exception as error:
                return beginning + str(error).partition("\n")[0]
        return None


def is_kind(atom: Any, kind: Any) -> bool:
    """Whether a variable or literal has a dtype of a kind."""
    return jnp.issubdtype(atom.aval.dtype, kind)
