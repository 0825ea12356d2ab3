"""Taylor mode by `jax.experimental.jet`: all pure powers along one direction from one jet."""

import math

import jax
import jax.numpy as jnp
from jax.experimental.jet import jet
from jaxtyping import Array, Float, Inexact

from .._tangents import AbstractDirections
from .._types import Model, Point
from ._inline import inline, primitives
from ._nested import Vectorise, nested

# Primitives whose jet rule agrees with nested AD wherever the function is smooth. Left out are those
# whose rules are missing, cancel (log1p, expm1, asinh), need a positive base (pow) or divide by 0.
_JET_PRIMITIVES = frozenset(
    """
    abs add add_any broadcast_in_dim concatenate conv_general_dilated convert_element_type copy copy_p
    cos cosh cumsum div dot_general dynamic_slice eq erf exp floor gather ge gt integer_pow is_finite le
    log logistic lt mul ne neg pad reduce_max reduce_min reduce_sum reshape rev rsqrt select_n sign sin
    sinh slice split sqrt square squeeze stop_gradient sub tanh transpose
    """.split()  # noqa: SIM905
)


def taylor(
    model: Model,
    x: Point,
    directions: AbstractDirections,
    monomials: tuple[tuple[int, ...], ...],
    *,
    vectorise: Vectorise = jax.vmap,
) -> tuple[Inexact[Array, "n ..."], ...]:
    """A `Contraction` by Taylor mode: one jet per sample gives all pure powers up to its order.

    Mixed monomials, and models with a primitive that jets cannot do right, go by nested forward
    mode. Cost of a jet of order K: K(K+1)/2 times the model's products, K times its linear part.
    """
    flat = inline(model, x)
    pure = all(len(powers) == 1 for powers in monomials)
    if not pure or max(map(sum, monomials)) == 1 or not primitives(flat, x) <= _JET_PRIMITIVES:
        return nested(flat, x, directions, monomials, vectorise=vectorise)

    def one(sample: AbstractDirections) -> tuple[Inexact[Array, "..."], ...]:
        (v,) = sample.dense(x.shape[0], x.dtype)
        derivatives = pure_powers(flat, x, v, max(map(sum, monomials)))
        return tuple(derivatives[power - 1] for (power,) in monomials)

    return vectorise(one)(directions)


def pure_powers(model: Model, x: Point, v: Float[Array, " dim"], order: int) -> list[Inexact[Array, "..."]]:
    """`[D u(x)[v], …, D^K u(x)[v^K]]` from one K-jet: K! times the normalised coefficients."""
    series = [v, *[jnp.zeros_like(v)] * (order - 1)]
    _, coefficients = jet(model, (x,), (series,), factorial_scaled=False)
    return [math.factorial(k) * c for k, c in enumerate(coefficients, start=1)]
