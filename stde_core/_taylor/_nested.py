"""Contractions by nested first-order AD: one directional derivative after the other."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from .._terms._tangents import AbstractDirections
from .._types import Model, Point
from ._varying import alike

Derivative: TypeAlias = Callable[[Model, Float[Array, " dim"]], Model]
Vectorise: TypeAlias = Callable[..., Any]


def gradient(model: Model) -> Model:
    """`x ↦ ∇u(x)`, `[*out, dim]`, by reverse mode; for complex values one pass each for both parts."""

    def value(x: Point) -> Inexact[Array, "... dim"]:
        out = jax.eval_shape(model, x)
        if jnp.issubdtype(out.dtype, jnp.complexfloating):
            real, imaginary = (gradient(lambda x, p=part: p(model(x)))(x) for part in (jnp.real, jnp.imag))
            return real + 1j * imaginary
        # `jax.jacrev` would carry an axis of length 1 through the arrays of every sample.
        return jax.grad(model)(x) if out.shape == () else jax.jacrev(model)(x)

    return value


def forward(model: Model, v: Float[Array, " dim"]) -> Model:
    """`x ↦ D u(x)[v]` by forward mode."""
    return lambda x: jax.jvp(model, (x,), (v,))[1]


def reverse(model: Model, v: Float[Array, " dim"]) -> Model:
    """`x ↦ D u(x)[v]` by reverse mode: the gradient of each component, times v."""
    return lambda x: gradient(model)(x) @ v


def nested(
    model: Model,
    x: Point,
    directions: AbstractDirections,
    monomials: tuple[tuple[int, ...], ...],
    *,
    first: Derivative = forward,
    then: Derivative = forward,
    vectorise: Vectorise = jax.vmap,
) -> tuple[Inexact[Array, "n ..."], ...]:
    """A `Contraction` by nesting: the innermost derivative by `first`, all others by `then`.

    Cost: a factor of 2 to 4 per order. `vectorise` maps over the samples: `jax.vmap`, or
    `jax.lax.map` to take one at a time.
    """

    def one(sample: AbstractDirections) -> tuple[Inexact[Array, "..."], ...]:
        point, vectors = alike(x, sample.dense(x.shape[0], x.dtype))
        return tuple(_nest(model, vectors, powers, first, then)(point) for powers in monomials)

    return vectorise(one)(directions)


def _nest(
    model: Model, vectors: Float[Array, "m dim"], powers: tuple[int, ...], first: Derivative, then: Derivative
) -> Model:
    derivative, step = model, first
    for v, power in zip(vectors, powers, strict=True):
        for _ in range(power):
            derivative, step = step(derivative, v), then
    return derivative


def hessian_vector(
    model: Model, x: Point, directions: AbstractDirections, monomials: tuple[tuple[int, ...], ...]
) -> tuple[Inexact[Array, "n ..."], ...]:
    """A `Contraction` of order ≤ 2: `w·(∇²u v)` from Hessian-vector products, `Du[v]` by one jvp."""

    def one(sample: AbstractDirections) -> tuple[Inexact[Array, "..."], ...]:
        point, vectors = alike(x, sample.dense(x.shape[0], x.dtype))
        v, w = vectors[0], vectors[-1]
        return tuple(
            forward(model, v)(point) if sum(powers) == 1 else forward(gradient(model), v)(point) @ w
            for powers in monomials
        )

    return jax.vmap(one)(directions)
