"""Rules for primitives that are linear, or linear near a point: each coefficient by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from ._arithmetic import Coefficient, add, dense, scale
from ._fallback import derivative, linearized
from ._joins import concatenate, split, stack, unstack
from ._polynomial import Polynomial, Value, coefficients, polynomial, primal
from ._rules import bind, output_avals, rule
from ._sparse import SparseCoefficient
from ._sparse_shapes import SHAPE_RULES, broadcast
from ._truncation import Expansion
from ._versions import name_of

Wanted = Sequence[bool]


@rule(
    *"""
    abs broadcast_in_dim clamp complex concatenate conj convert_element_type copy copy_p cummax cummin cumsum
    dynamic_slice dynamic_update_slice expand_dims fft gather imag max min neg optimization_barrier pad real
    reduce_max reduce_min reduce_precision reduce_sum reduce_window_max reduce_window_min reduce_window_sum
    rem reshape reshard rev scatter scatter_add scatter_max scatter_min select_and_gather_add
    select_and_scatter_add select_n sharding_constraint slice sort split squeeze stack tile top_k transpose
    unstack
    """.split()  # noqa: SIM905
)
def linear(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """Every coefficient goes through the derivative at the primal, as a tangent of its own."""
    if name_of(eqn.primitive) == "abs" and jnp.iscomplexobj(primal(inputs[0])):
        return linearized(expansion, eqn, inputs, wanted)
    outputs = bind(eqn, *map(primal, inputs))
    terms: list[dict[Any, Coefficient]] = [{} for _ in outputs]
    for key in expansion.truncation.keys:
        tangents = {i: coefficients(v)[key] for i, v in enumerate(inputs) if key in coefficients(v)}
        if tangents:
            images = _structured(eqn, inputs, tangents) or derivative(eqn, inputs, tangents)
            for i, image in images.items():
                terms[i][key] = image
    smooth = [v for v in inputs if jnp.issubdtype(primal(v).dtype, jnp.inexact)]
    vanishes = all(isinstance(v, Polynomial) and v.vanishes for v in smooth)
    return [polynomial(o, t, vanishes) for o, t in zip(outputs, terms, strict=True)]


def _structured(
    eqn: JaxprEqn, inputs: Sequence[Value], tangents: Mapping[int, Coefficient]
) -> Mapping[int, Coefficient] | None:
    """The images of one-hot coefficients, where the operation keeps their structure."""
    if not any(isinstance(c, SparseCoefficient) for c in tangents.values()):
        return None
    name = name_of(eqn.primitive)
    first = tangents.get(0)
    match name:
        case "concatenate":
            shapes = [primal(value).shape for value in inputs]
            parts = [tangents.get(i) for i in range(len(inputs))]
            image: Coefficient | None = concatenate(parts, shapes, **eqn.params)
        case "stack":
            parts = [tangents.get(i) for i in range(len(inputs))]
            image = stack(parts, primal(inputs[0]).shape, **eqn.params)
        case "split" if isinstance(first, SparseCoefficient):
            return split(first, **eqn.params)
        case "unstack" if isinstance(first, SparseCoefficient):
            return unstack(first, **eqn.params)
        case _ if name in SHAPE_RULES and isinstance(first, SparseCoefficient):
            image = SHAPE_RULES[name](first, **eqn.params)
        case _:
            image = None
    return None if image is None else {0: image}


@rule("add", "add_jaxvals", "sub")
def additive(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """Sums and differences."""
    left, right = (expand(value, output_avals(eqn)[0].shape) for value in inputs)
    terms = dict(coefficients(left))
    for key, c in coefficients(right).items():
        signed = scale(c, -1) if name_of(eqn.primitive) == "sub" else c
        terms[key] = add(terms[key], signed) if key in terms else signed
    vanishes = all(isinstance(v, Polynomial) and v.vanishes for v in inputs)
    return [polynomial(bind(eqn, *map(primal, inputs))[0], terms, vanishes)]


def expand(value: Value, shape: tuple[int, ...]) -> Value:
    """A polynomial that meets an array of a larger shape, in that shape; all else as it is."""
    if not isinstance(value, Polynomial) or value.primal.shape == shape:
        return value
    terms = {key: _expand(c, shape) for key, c in value.coefficients.items()}
    return Polynomial(jnp.broadcast_to(value.primal, shape), terms, value.vanishes)


def _expand(c: Coefficient, shape: tuple[int, ...]) -> Coefficient:
    if isinstance(c, SparseCoefficient):
        expanded = broadcast(c, shape, tuple(range(len(shape))))
        if expanded is not None:
            return expanded
    c = dense(c)
    aligned = c.reshape(c.shape[0], *[1] * (len(shape) - c.ndim + 1), *c.shape[1:])
    return jnp.broadcast_to(aligned, (c.shape[0], *shape))


_CONSTANT = "ceil floor nextafter round sign stop_gradient"


@rule(*_CONSTANT.split())
def constant(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """Derivative zero wherever there is one."""
    return bind(eqn, *map(primal, inputs))
