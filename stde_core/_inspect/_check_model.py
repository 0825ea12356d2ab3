"""`check_model`: what of a model will be fast, slow or impossible to differentiate, before it is run."""

import inspect
import math
from collections.abc import Iterable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr
from jax.typing import DTypeLike

from .._types import Model
from ..checks import as_int, check_count
from ._analysis import analyse, derivative_degree
from ._equation import Equation, first_line
from ._report import ModelReport, PrimitiveUse

_CORNER = "has kinks, at which it has no second derivative; it is linear in between"
_RELU = (
    "its second derivative is 0, and undefined at the kink: operators of order 2 and above do not see it. "
    "Smooth: `jnp.tanh`, `jax.nn.gelu`, `jax.nn.softplus`"
)
_CASES = "takes cases by x; smooth only where these meet smoothly (not in `leaky_relu`, `elu`, `hard_tanh`)"
_STEP = "has derivative 0 wherever it has one, so that x does not act through it"
_KINKS = {
    f"{_CORNER}. Smooth: `jnp.sqrt(z**2 + ε)`": "abs",
    f"{_CORNER}. Smooth: `jax.nn.logsumexp`": "max reduce_max cummax scatter_max",
    f"{_CORNER}. Smooth: a mean over windows": "reduce_window_max select_and_gather_add",
    _CORNER: "min reduce_min cummin reduce_window_min scatter_min clamp rem sort top_k",
    _STEP: "ceil floor nextafter round sign",
    _CASES: "cond select_n",
}


def check_model(model: Model, dim: int, *, dtype: DTypeLike = float) -> ModelReport:
    """Says how Taylor mode will differentiate a model, without running it: `print(stde.check_model(u, dim))`.

    - `model`: u, any callable from a point `[dim]` to a scalar or an array.
    - `dim`: the number of entries of a point, time included.
    - `dtype`: that of the point; JAX's default float if left out.

    The report lists the primitives that depend on x: those with a rule (fast), those differentiated
    by a derivative rule of their own (right, slower at high orders), those that cannot be differentiated;
    kinks, such as those of relu, whose Laplacian is 0; and what to do about each. It goes into functions
    that the model calls, loops and branches. Cost: tracing the model; no array is made.

    Raises `TypeError` or `ValueError` for what is no model of `dim` variables, and `TypeError` where
    the model does not return one floating-point array.
    """
    if not callable(model):
        raise TypeError(
            f"`stde.check_model(model, …)` needs a callable from [dim] to an array, got {model!r}."
        )
    dim = as_int(dim)
    check_count("stde.check_model(dim)", dim)
    point = _point(dim, dtype)
    jaxpr, output = _trace(model, point)
    (degree,), equations = analyse(jaxpr, [1.0])
    function = inspect.unwrap(model)
    is_module = isinstance(function, eqx.Module)
    name = type(function).__name__ if is_module else getattr(function, "__name__", "model")
    return ModelReport(
        model=name,
        dim=dim,
        dtype=str(point.dtype),
        output_shape=output.shape,
        output_dtype=str(output.dtype),
        depends_on_x=degree is not None,
        degree=None if degree == math.inf else int(degree or 0),
        uses=tuple(_uses(equations)),
    )


def _point(dim: int, dtype: DTypeLike) -> jax.ShapeDtypeStruct:
    """The shape and dtype of a point."""
    try:
        point = jax.ShapeDtypeStruct((dim,), jax.dtypes.canonicalize_dtype(dtype))
    except TypeError as error:
        raise TypeError(f"`stde.check_model(dtype)` needs a floating-point dtype, got {dtype!r}.") from error
    if not jnp.issubdtype(point.dtype, jnp.floating):
        raise TypeError(f"`stde.check_model(dtype)` needs a floating-point dtype, got {point.dtype}.")
    return point


def _trace(model: Model, point: jax.ShapeDtypeStruct) -> tuple[Jaxpr, Any]:
    """The jaxpr of a model, and the shape and dtype of its output."""
    try:
        closed, output = jax.make_jaxpr(model, return_shape=True)(point)
    except Exception as error:
        raise ValueError(
            f"`stde.check_model(model, dim={point.shape[0]})` could not trace the model at a point of shape "
            f"[{point.shape[0]}] and dtype {point.dtype}; pass the `dim` that it takes, and close over its "
            f"other arguments. ({type(error).__name__}: {first_line(error)})"
        ) from error
    if not isinstance(output, jax.ShapeDtypeStruct) or not jnp.issubdtype(output.dtype, jnp.inexact):
        got = jax.tree.map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}", output)
        raise TypeError(
            f"`stde.check_model(model, …)` needs a model that returns one floating-point array, got {got}."
        )
    return closed.jaxpr, output


def _uses(equations: Iterable[Equation]) -> Iterator[PrimitiveUse]:
    """One use for all equations of which the same is said, in alphabetical order."""
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for equation in equations:
        support = equation.support
        reason = equation.obstacle() if support in ("none", "derivative") else ""
        said = (equation.name, "impossible" if reason else support, _kink(equation), reason)
        places.setdefault(said, []).append(equation.place)
    for (name, support, kink, reason), found in sorted(places.items()):
        yield PrimitiveUse(name, support, len(found), tuple(filter(None, dict.fromkeys(found))), kink, reason)


def _kink(equation: Equation) -> str:
    """Why derivatives through an equation may mislead; "" if they do not."""
    if not equation.differentiated:
        return ""
    if equation.primitive == "custom_jvp_call":
        return _RELU if derivative_degree(equation) == 0.0 else ""
    cases_by_x = equation.degrees[0] is not None
    if equation.support != "rule" or (equation.primitive in ("cond", "select_n") and not cases_by_x):
        return ""
    return next((kink for kink, names in _KINKS.items() if equation.primitive in names.split()), "")
