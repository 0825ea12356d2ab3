"""Rules for products and quotients, and for smooth functions of one variable."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from . import _dot
from ._coefficients import dense, over
from ._interpreter import push
from ._layout import Layout
from ._linear import expand
from ._linearized import linearized
from ._polynomial import ELEMENTWISE, Bilinear, Constant, Polynomial, Value, compose, divide, multiply, primal
from ._rules import bind, output_avals, rule
from ._scalars import SCALARS, power

Wanted = Sequence[bool]


@rule("mul")
def _mul(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    left, right = (expand(value, output_avals(eqn)[0].shape) for value in inputs)
    if left is right or inputs[0] is inputs[1]:
        right = left
    return [multiply(layout, ELEMENTWISE, left, right)]


@rule("div")
def _div(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    left, right = (expand(value, output_avals(eqn)[0].shape) for value in inputs)
    quotient = bind(eqn, *map(primal, inputs))[0]
    divisor = primal(right)
    return [divide(layout, ELEMENTWISE, lambda c: over(c, divisor), quotient, left, right)]


@rule("dot_general")
def _dot_general(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    ranks = (primal(value).ndim for value in inputs)
    return [multiply(layout, _dot.bilinear(eqn.params, *ranks), *inputs)]


@rule("conv_general_dilated")
def _convolution(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    def convolve(image: Constant, kernel: Constant) -> Array:
        return bind(eqn, image, kernel)[0]

    product = Bilinear(
        convolve,
        lambda c, kernel: jax.vmap(partial(convolve, kernel=kernel))(dense(c)),
        lambda image, c: jax.vmap(partial(convolve, image))(dense(c)),
        lambda a, b: jax.vmap(convolve)(dense(a), dense(b)),
    )
    return [multiply(layout, product, *inputs)]


@rule(*SCALARS)
def _scalar(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    series = SCALARS[eqn.primitive.name](inner.primal, layout.order, **eqn.params)
    return [compose(layout, series, inner)]


@rule("pow")
def _pow(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    base, exponent = inputs
    if isinstance(exponent, Polynomial):
        return linearized(layout, eqn, inputs, wanted)
    base = expand(base, output_avals(eqn)[0].shape)
    assert isinstance(base, Polynomial)
    return [compose(layout, power(base.primal, exponent, layout.order), base)]


@rule("scatter-mul")
def _scatter_mul(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """A product with the factors put in their places among ones; as in JAX, places that do not repeat."""
    operand, indices, factors = inputs
    places = primal(indices)
    options = {name: eqn.params[name] for name in ("dimension_numbers", "indices_are_sorted", "mode")}

    def multiplied(operand: Array, factors: Array) -> Array:
        ones = jnp.ones_like(operand)
        return operand * jax.lax.scatter(ones, places, factors, unique_indices=True, **options)

    jaxpr = jax.make_jaxpr(multiplied)(primal(operand), primal(factors))
    return push(layout, jaxpr.jaxpr, jaxpr.consts, [operand, factors])
