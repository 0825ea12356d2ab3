"""Rules for primitives that are linear, or linear near a point: each coefficient by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from ._arithmetic import TaylorCoefficient, add, dense, scale
from ._fallback import derivative, linearized
from ._joins import concatenate, split, stack, unstack
from ._polynomial import Polynomial, Value, coefficients, polynomial, primal, vanishes
from ._rules import bind, output_avals, rule
from ._sparse import SparseCoefficient
from ._sparse_shapes import SHAPE_RULES, broadcast, reshape
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
    """Every coefficient goes through the derivative at the primal, as a tangent of its own.

    This is right for a function that is linear in a neighbourhood of the primal, such as `max`: all its
    higher derivatives are 0.
    """
    if name_of(eqn.primitive) == "abs" and jnp.iscomplexobj(primal(inputs[0])):
        return linearized(expansion, eqn, inputs, wanted)
    outputs = bind(eqn, *map(primal, inputs))
    terms: list[dict[Any, TaylorCoefficient]] = [{} for _ in outputs]
    for key in expansion.truncation.keys:
        tangents = {i: coefficients(v)[key] for i, v in enumerate(inputs) if key in coefficients(v)}
        if tangents:
            images = _sparse_images(eqn, inputs, tangents) or derivative(eqn, inputs, tangents)
            for i, image in images.items():
                terms[i][key] = image
    inexact = [v for v in inputs if jnp.issubdtype(primal(v).dtype, jnp.inexact)]
    zero = all(map(vanishes, inexact))
    return [polynomial(o, t, zero) for o, t in zip(outputs, terms, strict=True)]


def _sparse_images(
    eqn: JaxprEqn, inputs: Sequence[Value], tangents: Mapping[int, TaylorCoefficient]
) -> Mapping[int, TaylorCoefficient] | None:
    """The image of sparse tangents for each output; None where they would not stay sparse."""
    if not any(isinstance(c, SparseCoefficient) for c in tangents.values()):
        return None
    name = name_of(eqn.primitive)
    if name in ("concatenate", "stack"):
        parts = [tangents.get(i) for i in range(len(inputs))]
        shapes = [primal(value).shape for value in inputs]
        join = (
            stack(parts, shapes[0], **eqn.params)
            if name == "stack"
            else concatenate(parts, shapes, **eqn.params)
        )
        return None if join is None else {0: join}
    # The first input is the array; any others are indices, which carry no tangent.
    sparse = tangents.get(0)
    if not isinstance(sparse, SparseCoefficient):
        return None
    match name:
        case "split":
            return split(sparse, **eqn.params)
        case "unstack":
            return unstack(sparse, **eqn.params)
        case "neg" | "convert_element_type" | "copy" | "copy_p":
            image = sparse.with_values(bind(eqn, sparse.values)[0])
        case "squeeze" | "expand_dims":
            image = reshape(sparse, output_avals(eqn)[0].shape)
        case "reshape" if eqn.params["dimensions"] is None:
            image = reshape(sparse, output_avals(eqn)[0].shape)
        case _ if name in SHAPE_RULES:
            image = SHAPE_RULES[name](sparse, **eqn.params)
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
    return [polynomial(bind(eqn, *map(primal, inputs))[0], terms, all(map(vanishes, inputs)))]


def expand(value: Value, shape: tuple[int, ...]) -> Value:
    """A polynomial broadcast to a shape; a constant as it is.

    The elementwise primitives accept scalars beside arrays, whose coefficients need the axes written out.
    """
    if not isinstance(value, Polynomial) or value.primal.shape == shape:
        return value
    terms = {key: _expand(c, shape) for key, c in value.coefficients.items()}
    return Polynomial(jnp.broadcast_to(value.primal, shape), terms, value.vanishes)


def _expand(c: TaylorCoefficient, shape: tuple[int, ...]) -> TaylorCoefficient:
    if isinstance(c, SparseCoefficient):
        expanded = broadcast(c, shape, tuple(range(len(shape))))
        if expanded is not None:
            return expanded
    c = dense(c)
    aligned = c.reshape(c.shape[0], *[1] * (len(shape) - c.ndim + 1), *c.shape[1:])
    return jnp.broadcast_to(aligned, (c.shape[0], *shape))


@rule("ceil", "floor", "nextafter", "round", "sign", "stop_gradient")
def constant(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """Functions whose derivative is 0 wherever it exists."""
    return bind(eqn, *map(primal, inputs))
