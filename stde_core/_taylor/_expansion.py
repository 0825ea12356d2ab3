"""The Taylor polynomial of a model at a point: the engine's entrance."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from .._tangents import AbstractDirections, OneHot
from .._types import Model, Point
from ._coefficients import Coefficient, dense, total, weigh
from ._hot import one_hot
from ._interpreter import push
from ._layout import Channel, Key, Layout, Monomial, divisors
from ._polynomial import Value, coefficients, polynomial, primal
from ._varying import vary, varying_axes
from ._versions import opened


def expand_model(model: Model, x: Point, blocks: Sequence[AbstractDirections], layout: Layout) -> Value:
    """`u(x + Σ_m s_m v_m)` in the layout's monomials: samples of each block on their own.

    `blocks` are the directions of the blocks. Cost: about one evaluation of the model for each
    sample of each channel and each top, and one for the primal, which all share.
    """
    weights = [[*readout.weights.values()] for readout in layout.tops]
    axes = varying_axes([x, blocks, weights])
    x = vary(x, axes)
    variables = {key: vary(_direction(key, x, blocks, layout), axes) for key in layout.keys}
    (output,) = push(layout, *opened(jax.make_jaxpr(model)(x)), [polynomial(x, variables)])
    return output


def _direction(
    key: Key, x: Point, blocks: Sequence[AbstractDirections], layout: Layout
) -> Coefficient | None:
    """The coefficients of the point itself: its directions, at the monomials of degree 1."""
    if isinstance(key, Channel):
        return _vector(blocks[key.block], key.monomial.index(1), x) if key.degree == 1 else None
    readout = layout.tops[key.readout]
    linear = [(channel, w) for channel, w in readout.weights.items() if channel.degree == 1]
    vectors = [(_vector(blocks[c.block], c.monomial.index(1), x), w) for c, w in linear]
    return total(weigh(v, w, readout.collapsed) for v, w in vectors)


def _vector(directions: AbstractDirections, place: int, x: Point) -> Coefficient:
    if isinstance(directions, OneHot):
        index = directions.axes[:, place : place + 1]
        return one_hot(index, jnp.ones(index.shape, x.dtype), x.shape[0])
    return directions.dense(x.shape[0], x.dtype)[:, place]


def read(output: Value, key: Key, layout: Layout) -> Inexact[Array, "n ..."]:
    """A coefficient of the output, written out."""
    constant = jnp.asarray(primal(output))
    c = coefficients(output).get(key)
    return jnp.zeros((layout.samples(key), *constant.shape), constant.dtype) if c is None else dense(c)


def factorial(monomial: Monomial) -> int:
    """`α!`, which turns a normalised coefficient into a derivative."""
    return math.prod(map(math.factorial, monomial))


def taylor(
    model: Model, x: Point, directions: AbstractDirections, monomials: tuple[Monomial, ...]
) -> tuple[Inexact[Array, "n ..."], ...]:
    """A `Contraction` by Taylor mode: all monomials, and all samples, in one pass.

    Cost: one evaluation of the model per sample and divisor of a monomial, and one for the primal.
    """
    samples = jax.tree.leaves(directions)[0].shape[0]
    channels = tuple(dict.fromkeys(Channel(0, d) for m in monomials for d in divisors(m) if any(d)))
    layout = Layout((samples,), channels)
    output = expand_model(model, x, [directions], layout)

    def derivative(monomial: Monomial) -> Inexact[Array, "n ..."]:
        if not any(monomial):
            return jnp.broadcast_to(primal(output), (samples, *primal(output).shape))
        return factorial(monomial) * read(output, Channel(0, monomial), layout)

    return tuple(map(derivative, monomials))
