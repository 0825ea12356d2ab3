"""What a solution fulfils: residuals that vanish at points, and measurements."""

import inspect
import linecache
import traceback
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Inexact, PRNGKeyArray

import stde_core as stde
from stde_core.checks import in_short

from ._checks import check_least
from .domains import AbstractDomain, as_domain

Residual: TypeAlias = Callable[..., Any]
"""`(x, u(x), values)`, and the problem's parameters as a fourth where it has any."""


class AbstractCondition(eqx.Module):
    """Residuals at points, whose mean square is one term of the loss.

    - `name`: tells the terms apart.
    - `operators`: the PyTree of operators whose values the residual needs, or a function of the problem's
      parameters that gives one; None for none.
    - `residual`: `(x, u(x), values)`, and the problem's parameters as a fourth where it has any; gives a
      scalar or an array.
    - `weight`: multiplies the term.
    - `source`: a right-hand side `x -> array`, subtracted from the residual; None for none. It does not
      depend on the model, so it is evaluated on its own, some points at a time.
    - `differentiable`: whether derivatives of the residual in x vanish too, so that gradient-enhanced
      training takes them; not across a boundary, where the residual is given on the boundary alone.
    - `batch`: points per step; None for as many as the training takes.
    """

    name: eqx.AbstractVar[str]
    operators: eqx.AbstractVar[Any]
    residual: eqx.AbstractVar[Residual]
    weight: eqx.AbstractVar[float]
    source: eqx.AbstractVar[Callable[[stde.Point], Array] | None]
    differentiable: eqx.AbstractVar[bool]
    batch: eqx.AbstractVar[int | None]

    @property
    @abstractmethod
    def num_inputs(self) -> int:
        """How many coordinates its points have."""

    @abstractmethod
    def draw(
        self, num_points: int, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, "n inputs"], Float[Array, "n rows"] | None]:
        """Points, and what to subtract from the residuals there beside the source; None for nothing."""

    def operators_at(self, parameters: Any) -> Any:
        """The operators, for given parameters of the problem."""
        return self.operators(parameters) if takes_parameters(self.operators) else self.operators

    def rows(self, x: stde.Point, u: Array, values: Any, parameters: Any) -> Inexact[Array, " rows"]:
        """The residual as a vector; `parameters` is empty where the problem has none."""
        extra = (parameters,) if parameters else ()
        return jax.numpy.ravel(self.residual(x, u, values, *extra))


class Condition(AbstractCondition):
    """A residual that should vanish at points of a domain: an equation, or a boundary condition.

    `Condition(name, points, operators, residual, weight=1.0)`; `points` is a domain, or a function
    `(n, key) -> [n, inputs]`. The other fields are those of `AbstractCondition`. Raises `TypeError` or
    `ValueError` for what is no domain, no function, or a weight that is not positive.

    ```python
    square = pdes.Box(((0, 1), (0, 1)))
    equation = pdes.Condition("equation", square, stde.Laplacian(), lambda x, u, lap: lap + 4 * u)
    ```
    """

    name: str = eqx.field(static=True)
    points: AbstractDomain
    operators: Any
    residual: Residual
    weight: float = eqx.field(static=True, default=1.0)
    source: Callable[[stde.Point], Array] | None = None
    differentiable: bool = eqx.field(static=True, default=True)
    batch: int | None = eqx.field(static=True, default=None)

    def __init__(
        self,
        name: str,
        points: Any,
        operators: Any,
        residual: Residual,
        weight: float = 1.0,
        source: Callable[[stde.Point], Array] | None = None,
        differentiable: bool = True,
        batch: int | None = None,
    ):
        call = f"Condition({name!r}"
        _check_common(call, name, weight, batch)
        if not callable(residual):
            raise TypeError(
                f"`{call}, residual)` needs a function `(x, u, values)`, got {in_short(residual)}."
            )
        self.name, self.operators, self.residual = name, operators, residual
        self.points = as_domain(points, f"{call}, points)")
        self.weight, self.source, self.differentiable, self.batch = (
            float(weight),
            source,
            differentiable,
            batch,
        )

    @property
    def num_inputs(self) -> int:
        return self.points.num_inputs

    def draw(self, num_points: int, *, key: PRNGKeyArray) -> tuple[Float[Array, "n inputs"], None]:
        return self.points(num_points, key=key), None


class Data(AbstractCondition):
    """Measured values of the solution, or of what `observe` makes of it, at given points.

    - `points`: `[n, inputs]`; `values`: `[n]` or `[n, k]`.
    - `observe`: what was measured, `(x, u(x), values of operators)`, and the problem's parameters as a fourth
      where it has any; u(x) itself by default.
    - `batch`: so many of the points per step, drawn without replacement; all of them where there are no more.

    Raises `ValueError` for values that are not one for each point, or not finite.
    """

    name: str = eqx.field(static=True)
    points: Float[np.ndarray, "n inputs"]
    values: Float[np.ndarray, "n rows"]
    weight: float = eqx.field(static=True)
    observe: Residual | None
    operators: Any
    batch: int | None = eqx.field(static=True)

    def __init__(
        self,
        name: str,
        points: Any,
        values: Any,
        weight: float = 1.0,
        observe: Residual | None = None,
        operators: Any = None,
        batch: int | None = None,
    ):
        call = f"Data({name!r}"
        _check_common(call, name, weight, batch)
        places, measured = np.asarray(points, float), np.asarray(values, float)
        if places.ndim != 2 or measured.ndim not in (1, 2) or len(places) != len(measured) or not len(places):
            raise ValueError(
                f"`{call}, points, values)` needs points `[n, inputs]` and values `[n]` or `[n, k]`, got "
                f"shapes {places.shape} and {measured.shape}."
            )
        for what, array in (("points", places), ("values", measured)):
            if not np.isfinite(array).all():
                raise ValueError(
                    f"`{call}, {what})` holds numbers that are not finite; leave these rows out."
                )
        self.name, self.points, self.values = name, places, measured.reshape(len(places), -1)
        self.weight, self.observe, self.operators, self.batch = float(weight), observe, operators, batch

    @property
    def num_inputs(self) -> int:
        return self.points.shape[1]

    @property
    def source(self) -> None:
        return None

    @property
    def differentiable(self) -> bool:
        return False

    @property
    def residual(self) -> Residual:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _solution_itself if self.observe is None else self.observe

    def draw(
        self, num_points: int, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, "n inputs"], Float[Array, "n rows"]]:
        points, values = jax.numpy.asarray(self.points, float), jax.numpy.asarray(self.values, float)
        if num_points >= len(points):
            return points, values
        chosen = jax.random.choice(key, len(points), (num_points,), replace=False)
        return points[chosen], values[chosen]


def _solution_itself(x: stde.Point, u: Array, *values: Any) -> Array:
    return u


def takes_parameters(operators: Any) -> bool:
    """Whether operators are given as a function of the problem's parameters."""
    return callable(operators) and not isinstance(operators, stde.AbstractOperator)


def _check_common(call: str, name: Any, weight: Any, batch: Any) -> None:
    if not (isinstance(name, str) and name):
        raise TypeError(f"`{call}, …)` needs a name, a text that tells the terms of the loss apart.")
    check_least(f"{call}, weight)", weight, 0)
    if batch is not None:
        stde.check_count(f"{call}, batch)", batch)


def place_of(function: Any, error: BaseException | None = None) -> str:
    """Where a user's function stands, as ` (file.py:9: …)`; the line of it which raised, if one did.

    Nothing of functions of this package, and of what is no function in a file.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or Path(code.co_filename).is_relative_to(Path(__file__).parent):
        return ""
    number = code.co_firstlineno
    for frame in traceback.extract_tb(error.__traceback__) if error else ():
        if frame.filename == code.co_filename and frame.lineno:
            number = frame.lineno
    line = linecache.getline(code.co_filename, number).strip()
    place = f"{Path(code.co_filename).name}:{number}"
    return f" ({place}: `{line}`)" if line.isprintable() and line else f" ({place})"
