"""Rules for products and quotients, and for smooth functions of one variable."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from . import _dot
from ._arithmetic import over
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
    if inputs[0] is inputs[1]:  # `x * x`: let `multiply` see one object, to take each pair once
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

    return [multiply(expansion, Bilinear.vmapped(convolve), *inputs)]


@rule(*SCALARS)
def _scalar(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    (inner,) = inputs
    assert isinstance(inner, Polynomial)
    series = SCALARS[name_of(eqn.primitive)](inner.primal, expansion.truncation.order, **eqn.params)
    return [compose(expansion, series, inner)]


@rule("pow")
def _pow(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    base, exponent = inputs
    if isinstance(exponent, Polynomial):  # no function of one variable
        return linearized(expansion, eqn, inputs, wanted)
    base = expand(base, output_avals(eqn)[0].shape)
    assert isinstance(base, Polynomial)
    return [compose(expansion, power(base.primal, exponent, expansion.truncation.order), base)]


@rule("polynomial")
def _polynomial(expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted) -> Sequence[Value]:
    """`p(x) = Σ_j c_j xʲ`; with constant c, `p⁽ᵏ⁾(x)/k! = Σ_j binom(j, k) c_j xʲ⁻ᵏ`."""
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
    """The operand times an array of ones with the factors scattered into it, which is linear in them.

    As in JAX, the factors have a derivative only if the indices are known not to repeat.
    """
    operand, *indices_and_factors = inputs
    ones = jnp.ones_like(primal(operand))
    (scattered,) = linear(expansion, eqn, [ones, *indices_and_factors], wanted)
    return [multiply(expansion, ELEMENTWISE, operand, scattered)]
