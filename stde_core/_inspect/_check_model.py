"""`check_model`: what of a model will be fast, slow or impossible to differentiate, before it is run."""

import inspect
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from .._types import Model
from ..checks import as_int, check_count
from ._report import ModelReport, PrimitiveUse
from ._site import Site
from ._survey import slope, survey

_RELU = (
    "its second derivative is 0, and undefined at the kink: operators of order 2 and above do not see it. "
    "Smooth: `jnp.tanh`, `jax.nn.gelu`, `jax.nn.softplus`"
)
_CORNER = "has kinks, at which it has no second derivative; it is linear in between"
_CASES = "takes cases by x; smooth only where these meet smoothly (not in `leaky_relu`, `elu`, `hard_tanh`)"
_STEP = "has derivative 0 wherever it has one, so that x does not act through it"
_KINKS = {
    "abs": f"{_CORNER}. Smooth: `jnp.sqrt(z**2 + ε)`",
    **dict.fromkeys(["max", "reduce_max", "cummax", "scatter_max"], f"{_CORNER}. Smooth: `jax.nn.logsumexp`"),
    **dict.fromkeys(
        ["reduce_window_max", "select_and_gather_add"], f"{_CORNER}. Smooth: a mean over windows"
    ),
    **dict.fromkeys(["min", "reduce_min", "cummin", "reduce_window_min", "scatter_min"], _CORNER),
    **dict.fromkeys(["clamp", "rem", "sort", "top_k"], _CORNER),
    **dict.fromkeys(["ceil", "floor", "nextafter", "round", "sign"], _STEP),
    **dict.fromkeys(["cond", "select_n"], _CASES),
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
    try:
        point = jax.ShapeDtypeStruct((dim,), jax.dtypes.canonicalize_dtype(dtype))
    except TypeError as error:
        raise TypeError(f"`stde.check_model(dtype)` needs a floating-point dtype, got {dtype!r}.") from error
    if not jnp.issubdtype(point.dtype, jnp.floating):
        raise TypeError(f"`stde.check_model(dtype)` needs a floating-point dtype, got {point.dtype}.")
    jaxpr, output = _trace(model, point)
    (degree,), sites = survey(jaxpr, [1.0])
    return ModelReport(
        model=_name(model),
        dim=dim,
        dtype=str(point.dtype),
        output_shape=output.shape,
        output_dtype=str(output.dtype),
        depends_on_x=degree is not None,
        degree=None if degree == math.inf else int(degree or 0),
        uses=tuple(_uses(sites)),
    )


def _trace(model: Model, point: jax.ShapeDtypeStruct) -> Any:
    """The jaxpr of a model, and the shape of its output."""
    try:
        closed, output = jax.make_jaxpr(model, return_shape=True)(point)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(
            f"`stde.check_model(model, dim={point.shape[0]})` could not trace the model at a point of shape "
            f"[{point.shape[0]}] and dtype {point.dtype}; pass the `dim` that it takes, and close over its "
            f"other arguments. ({type(error).__name__}: {lines[0] if lines else 'no message'})"
        ) from error
    if not isinstance(output, jax.ShapeDtypeStruct) or not jnp.issubdtype(output.dtype, jnp.inexact):
        got = jax.tree.map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}", output)
        raise TypeError(
            f"`stde.check_model(model, …)` needs a model that returns one floating-point array, got {got}."
        )
    return closed.jaxpr, output


def _uses(sites: Iterable[Site]) -> Iterable[PrimitiveUse]:
    """The sites by name and by all that is said of them, in alphabetical order."""
    found: dict[tuple[str, str, str, str], list[Site]] = {}
    for site in sites:
        obstacle = site.obstacle() if site.support in ("none", "derivative") else None
        support = site.support if obstacle is None else "impossible"
        found.setdefault((site.name, support, _kink(site), obstacle or ""), []).append(site)
    for (name, support, kink, reason), members in sorted(found.items(), key=lambda item: item[0]):
        places = tuple(filter(None, dict.fromkeys(map(_place, members))))
        yield PrimitiveUse(name, support, len(members), places, kink, reason)


def _kink(site: Site) -> str:
    """Why derivatives through the site may mislead; "" if they do not."""
    if not site.place.felt or (site.primitive in ("cond", "select_n") and 0.0 not in site.inputs):
        return ""
    if site.primitive == "custom_jvp_call":
        return _RELU if slope(site) == 0.0 else ""
    return _KINKS.get(site.primitive, "") if site.support == "rule" else ""


def _place(site: Site) -> str:
    path, _, rest = (site.place.source or "").partition(":")
    line = f"{Path(path).name}:{rest.partition(':')[0]}" if rest else ""
    return ", ".join(filter(None, [f"in {site.place.within}" if site.place.within else "", line]))


def _name(model: Any) -> str:
    model = inspect.unwrap(model)
    return type(model).__name__ if isinstance(model, eqx.Module) else getattr(model, "__name__", "model")
