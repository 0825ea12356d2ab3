"""Rules for products and quotients, and for smooth functions of one variable."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from . import _dot
from ._coefficients import dense, over
from ._interpreter import push
from ._layout import Layout
from ._linear import expand, linear
from ._linearized import linearized
from ._polynomial import ELEMENTWISE, Bilinear, Constant, Polynomial, Value, compose, divide, multiply, primal
from ._rules import bind, output_avals, rule
from ._scalars import SCALARS, power
from ._versions import name_of, opened

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
    series = SCALARS[name_of(eqn.primitive)](inner.primal, layout.order, **eqn.params)
    return [compose(layout, series, inner)]


@rule("pow")
def _pow(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    base, exponent = inputs
    if isinstance(exponent, Polynomial):
        return linearized(layout, eqn, inputs, wanted)
    base = expand(base, output_avals(eqn)[0].shape)
    assert isinstance(base, Polynomial)
    return [compose(layout, power(base.primal, exponent, layout.order), base)]


@rule("polynomial")
def _polynomial(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """`p(x) = Σ_j c_j xʲ`: from `p⁽ᵏ⁾(x)/k! = Σ_j binom(j, k) c_j xʲ⁻ᵏ` where x alone is a polynomial."""
    if any(isinstance(c, Polynomial) for c in inputs[1:]):
        return push(layout, *opened(jax.make_jaxpr(_horner)(*map(primal, inputs))), inputs)
    x, factors = expand(inputs[0], output_avals(eqn)[0].shape), list(map(primal, inputs[1:]))
    assert isinstance(x, Polynomial)
    derivatives = [
        [math.comb(j, k) * c for j, c in enumerate(factors[k:], start=k)] for k in range(layout.order + 1)
    ]
    series = [_horner(x.primal, *terms) if terms else None for terms in derivatives]
    return [compose(layout, [bind(eqn, *map(primal, inputs))[0], *series[1:]], x)]


def _horner(x: Constant, *factors: Any) -> Array:
    value = factors[-1]
    for c in reversed(factors[:-1]):
        value = value * x + c
    return jnp.broadcast_to(value, jnp.broadcast_shapes(x.shape, value.shape))


@rule("scatter_mul")
def _scatter_mul(layout: Layout, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """A product with the factors put in their places among ones, which is linear in the factors.

    As in JAX, it has a derivative by the factors only where places are known not to repeat.
    """
    operand, *rest = inputs
    ones = [jnp.ones_like(primal(operand)), *rest]
    (among_ones,) = linear(layout, eqn, ones, wanted)
    return [multiply(layout, ELEMENTWISE, operand, among_ones)]
