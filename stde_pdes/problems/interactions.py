"""Solutions in which neighbouring coordinates interact, and their Laplacians at a cost of O(d)."""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import stde_core as stde

from ..domains import AbstractDomain

Radial: TypeAlias = Callable[[Array], Array]  # a function of s = |x|²
Local: TypeAlias = Callable[..., Array]  # a function of neighbours, entry by entry

# So many places at once fit into a processor's caches, with all that is computed of them.
_BLOCK = 2**14
_NUM_POINTS = 64


class OnSpheres(eqx.Module):
    """The ansatz `scale · a(|x|²) · network(√d x)`, 0 where a is; the network's inputs are of order 1."""

    factor: Radial
    scale: float

    def __call__(self, network: stde.Model) -> stde.Model:
        return lambda x: self.scale * self.factor(x @ x) * network(x.size**0.5 * x)


class ManyBody(eqx.Module):
    """`u(x) = Σ_i c_i Σ_k a_k(|x|²) φ_k(x_i, …, x_{i+m−1})`: coordinates interact with their neighbours.

    - `coefficients`: c, one for each place where m neighbours begin.
    - `bodies`: m.
    - `terms`: the pairs (a, φ).

    Each place is differentiated on its own, so that u and its Laplacians cost O(d) in time and
    memory, without a product of derivatives written by hand. Its radius makes u inseparable.
    """

    coefficients: Float[Array, " places"]
    bodies: int = eqx.field(static=True)
    terms: tuple[tuple[Radial, Local], ...] = eqx.field(static=True)

    @property
    def dim(self) -> int:
        """The number of coordinates."""
        return self.coefficients.size + self.bodies - 1

    def __call__(self, x: stde.Point) -> Array:
        coefficients, squared_radius = self.coefficients.astype(x.dtype), x @ x

        def total(c: Array, x: Array) -> Array:
            neighbours = [x[first : first + c.size] for first in range(self.bodies)]
            return jnp.sum(
                c * sum(radial(squared_radius) * local(*neighbours) for radial, local in self.terms)
            )

        def block(first: Array) -> Array:
            c = jax.lax.dynamic_slice_in_dim(coefficients, first, _BLOCK)
            return total(c, jax.lax.dynamic_slice_in_dim(x, first, _BLOCK + self.bodies - 1))

        last = coefficients.size // _BLOCK * _BLOCK
        blocks = jnp.sum(jax.lax.map(block, jnp.arange(0, last, _BLOCK))) if last else 0.0
        return blocks + total(coefficients[last:], x[last:])

    def laplacian(self) -> "ManyBody":
        """Δu, of the same form: with s = |x|², `Δ(aφ) = aΔφ + 4a′ x·∇φ + (4s a″ + 2d a′) φ`."""
        terms = tuple(term for a, local in self.terms for term in _laplacian(a, local, self.dim))
        return ManyBody(self.coefficients, self.bodies, terms)


def random_coefficients(dim: int, coefficient_seed: int, bodies: int) -> Float[Array, " places"]:
    """Standard normal coefficients of m-body interactions.

    Raises `ValueError` for fewer dimensions than bodies, or a seed that is no integer ≥ 0.
    """
    stde.check_count("dim", dim, least=bodies)
    stde.check_count("coefficient_seed", coefficient_seed, least=0)
    # In single precision always: no precision of a run changes its equation.
    return jax.random.normal(jax.random.key(coefficient_seed), (dim - bodies + 1,), jnp.float32).astype(float)


def mean_square(function: Callable[[stde.Point], Array], domain: AbstractDomain) -> Float[Array, ""]:
    """Of a function, over a few points of a domain that are the same always, in every precision."""
    with jax.enable_x64(False):
        points = domain(_NUM_POINTS, key=jax.random.key(0))
    return jnp.mean(jax.lax.map(function, points.astype(float)) ** 2)


def two_body(left: Array, right: Array) -> Array:
    """The interaction of two neighbours in STDE, appendix H."""
    return jnp.sin(left + jnp.cos(right) + right * jnp.cos(left))


def three_body(left: Array, middle: Array, right: Array) -> Array:
    """The interaction of three neighbours in STDE, appendix H."""
    return jnp.exp(left * middle * right)


def _laplacian(a: Radial, local: Local, dim: int) -> tuple[tuple[Radial, Local], ...]:
    slope = _derivative(a)
    curvature = _derivative(slope)
    return (
        (a, _trace(local)),
        (lambda s: 4 * slope(s), _along(local)),
        (lambda s: 4 * s * curvature(s) + 2 * dim * slope(s), local),
    )


def _along(local: Local) -> Local:
    """`x·∇φ`."""
    return lambda *x: jax.jvp(local, x, x)[1]


def _trace(local: Local) -> Local:
    """`Δφ`, from one argument after the other."""

    def second(position: int, x: tuple[Array, ...]) -> Array:
        along = lambda y: local(*x[:position], y, *x[position + 1 :])  # noqa: E731
        return _derivative(_derivative(along))(x[position])

    return lambda *x: sum((second(position, x) for position in range(len(x))), jnp.zeros_like(x[0]))


def _derivative(function: Radial) -> Radial:
    """The derivative of a function that acts entry by entry."""
    return lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]
