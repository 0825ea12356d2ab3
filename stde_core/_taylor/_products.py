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
from ._arithmetic import dense, over
from ._fallback import linearized
from ._interpreter import propagate
from ._linear import expand, linear
from ._polynomial import ELEMENTWISE, Bilinear, Constant, Polynomial, Value, compose, divide, multiply, primal
from ._rules import bind, output_avals, rule
from ._scalars import SCALARS, power
from ._truncation import Expansion
from ._versions import name_of, opened

Wanted = Sequence[bool]


@rule("mul")
def _mul(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    left, right = (expand(value, output_avals(eqn)[0].shape) for value in inputs)
    if left is right or inputs[0] is inputs[1]:
        right = left
    return [multiply(expansion, ELEMENTWISE, left, right)]


@rule("div")
def _div(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    left, right = (expand(value, output_avals(eqn)[0].shape) for value in inputs)
    quotient = bind(eqn, *map(primal, inputs))[0]
    divisor = primal(right)
    return [divide(expansion, ELEMENTWISE, lambda c: over(c, divisor), quotient, left, right)]


@rule("dot_general")
def _dot_general(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    ranks = (primal(value).ndim for value in inputs)
    return [multiply(expansion, _dot.bilinear(eqn.params, *ranks), *inputs)]


@rule("conv_general_dilated")
def _convolution(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    def convolve(image: Constant, kernel: Constant) -> Array:
        return bind(eqn, image, kernel)[0]

    product = Bilinear(
        convolve,
        lambda c, kernel: jax.vmap(partial(convolve, kernel=kernel))(dense(c)),
        lambda image, c: jax.vmap(partial(convolve, image))(dense(c)),
        lambda a, b: jax.vmap(convolve)(dense(a), dense(b)),
    )
    return [multiply(expansion, product, *inputs)]


@rule(*SCALARS)
def _scalar(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    series = SCALARS[name_of(eqn.primitive)](inner.primal, expansion.truncation.order, **eqn.params)
    return [compose(expansion, series, inner)]


@rule("pow")
def _pow(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    base, exponent = inputs
    if isinstance(exponent, Polynomial):
        return linearized(expansion, eqn, inputs, wanted)
    base = expand(base, output_avals(eqn)[0].shape)
    assert isinstance(base, Polynomial)
    return [compose(expansion, power(base.primal, exponent, expansion.truncation.order), base)]


@rule("polynomial")
def _polynomial(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """`p(x) = Σ_j c_j xʲ`: from `p⁽ᵏ⁾(x)/k! = Σ_j binom(j, k) c_j xʲ⁻ᵏ` where x alone is a polynomial."""
    if any(isinstance(c, Polynomial) for c in inputs[1:]):
        return propagate(expansion, *opened(jax.make_jaxpr(_horner)(*map(primal, inputs))), inputs)
    x, factors = expand(inputs[0], output_avals(eqn)[0].shape), list(map(primal, inputs[1:]))
    assert isinstance(x, Polynomial)
    derivatives = [
        [math.comb(j, k) * c for j, c in enumerate(factors[k:], start=k)]
        for k in range(expansion.truncation.order + 1)
    ]
    series = [_horner(x.primal, *terms) if terms else None for terms in derivatives]
    return [compose(expansion, [bind(eqn, *map(primal, inputs))[0], *series[1:]], x)]


def _horner(x: Constant, *factors: Any) -> Array:
    value = factors[-1]
    for c in reversed(factors[:-1]):
        value = value * x + c
    return jnp.broadcast_to(value, jnp.broadcast_shapes(x.shape, value.shape))


@rule("scatter_mul")
def _scatter_mul(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """A product with the factors put in their places among ones, which is linear in the factors.

    As in JAX, it has a derivative by the factors only where places are known not to repeat.
    """
    operand, *rest = inputs
    ones = [jnp.ones_like(primal(operand)), *rest]
    (among_ones,) = linear(expansion, eqn, ones, wanted)
    return [multiply(expansion, ELEMENTWISE, operand, among_ones)]
