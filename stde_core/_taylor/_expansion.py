"""The entrance to the engine: the Taylor polynomial of a model at a point."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from .._terms._tangents import AbstractDirections, OneHot
from .._types import Model, Point
from ._arithmetic import TaylorCoefficient, dense, total, weigh
from ._interpreter import propagate
from ._polynomial import Value, coefficients, polynomial, primal
from ._sparse import one_hot
from ._traced import traced
from ._truncation import Expansion, Key, MultiIndex, Powers, Truncation, divisors
from ._varying import vary, varying_axes
from ._versions import opened


def expand_model(model: Model, x: Point, blocks: Sequence[AbstractDirections], expansion: Expansion) -> Value:
    """`u(x + Σ_m s_m v_m)`, truncated, for each sample of directions `v_1 … v_m` of each block.

    `blocks` holds the directions. Cost: `expansion.truncation.width` evaluations of the model: one for
    the primal, which all share, and one for each sample of each key.
    """
    axes = varying_axes([x, blocks, expansion.weights])
    x = vary(x, axes)
    keys = expansion.truncation.keys
    variables = {key: vary(_direction(key, x, blocks, expansion), axes) for key in keys}
    (output,) = propagate(expansion, *opened(traced(model, x).jaxpr), [polynomial(x, variables)])
    return output


def _direction(
    key: Key, x: Point, blocks: Sequence[AbstractDirections], expansion: Expansion
) -> TaylorCoefficient | None:
    """The coefficient of x itself: the direction `v_m` at the multi-index of `s_m`, else zero."""
    if isinstance(key, MultiIndex):
        return _vector(blocks[key.block], key.powers.index(1), x) if key.degree == 1 else None
    linear = [(index, w) for index, w in expansion.summands(key) if index.degree == 1]
    vectors = [(_vector(blocks[i.block], i.powers.index(1), x), w) for i, w in linear]
    return total(weigh(v, w, expansion.over_samples(key)) for v, w in vectors)


def _vector(directions: AbstractDirections, place: int, x: Point) -> TaylorCoefficient:
    if isinstance(directions, OneHot):
        positions = directions.axes[:, place : place + 1]
        return one_hot(positions, jnp.ones(positions.shape, x.dtype), x.shape[0])
    return directions.dense(x.shape[0], x.dtype)[:, place]


def read(output: Value, key: Key, truncation: Truncation) -> Inexact[Array, "n ..."]:
    """A coefficient of the output, written out."""
    constant = jnp.asarray(primal(output))
    c = coefficients(output).get(key)
    return jnp.zeros((truncation.samples(key), *constant.shape), constant.dtype) if c is None else dense(c)


def factorial(powers: Powers) -> int:
    """`α!`, the factor from a normalised coefficient to a derivative."""
    return math.prod(map(math.factorial, powers))


def taylor(
    model: Model, x: Point, directions: AbstractDirections, monomials: tuple[Powers, ...]
) -> tuple[Inexact[Array, "n ..."], ...]:
    """A `Contraction` by Taylor mode: all monomials, and all samples, in one pass.

    For one direction this is the contraction of STDE (Shi, Hu, Lin and Kawaguchi, NeurIPS 2024,
    arXiv:2412.00088). For several it needs no higher univariate jet, since it carries multivariate
    coefficients. Cost: one evaluation of the model per sample and divisor of a monomial, and one for the
    primal.
    """
    samples = jax.tree.leaves(directions)[0].shape[0]
    indices = tuple(dict.fromkeys(MultiIndex(0, d) for m in monomials for d in divisors(m) if any(d)))
    truncation = Truncation((samples,), indices)
    output = expand_model(model, x, [directions], Expansion(truncation))

    def derivative(powers: Powers) -> Inexact[Array, "n ..."]:
        if not any(powers):
            return jnp.broadcast_to(primal(output), (samples, *primal(output).shape))
        return factorial(powers) * read(output, MultiIndex(0, powers), truncation)

    return tuple(map(derivative, monomials))
