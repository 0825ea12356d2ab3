"""Distributions of collocation points."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray


class AbstractDomain(eqx.Module):
    """A distribution of points: `domain(n, key=key)` draws n of them, `[n, inputs]`."""

    @abstractmethod
    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        """Draws independent points."""


class UnitBall(AbstractDomain):
    """`x = r z/|z|` with z normal and r uniform on [0, 1]: the radius, not the volume, is uniform."""

    dim: int = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        return Shell(self.dim, 0.0, 1.0)(num_points, key=key)


class Shell(AbstractDomain):
    """`x = r z/|z|` with z normal and r uniform on [inner, outer]: the radius, not the volume, is uniform."""

    dim: int = eqx.field(static=True)
    inner: float = eqx.field(static=True)
    outer: float = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        directions, radii = jax.random.split(key)
        r = jax.random.uniform(radii, (num_points, 1), minval=self.inner, maxval=self.outer)
        return _on_spheres(r, self.dim, key=directions)


class Spheres(AbstractDomain):
    """Uniform on the spheres of the given radii about the origin, all spheres equally likely."""

    dim: int = eqx.field(static=True)
    radii: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        directions, sides = jax.random.split(key)
        r = jax.random.choice(sides, jnp.asarray(self.radii), (num_points, 1))
        return _on_spheres(r, self.dim, key=directions)


def _on_spheres(radii: Float[Array, "n 1"], dim: int, *, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    z = _normal(radii.shape[0], dim, key=key)
    return z * (radii / jnp.linalg.norm(z, axis=1, keepdims=True))


# Drawing so many numbers at once takes three times their memory for random bits.
_AT_ONCE = 2**24
_PIECE = 2**20


def _normal(num_points: int, dim: int, *, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    """Standard normal points: the first of them are the same, however many are drawn.

    As many as are drawn at once come from the key itself, every one after them from a key of its own.
    """
    at_once = max(1, _AT_ONCE // dim)
    first = jax.random.normal(key, (min(num_points, at_once), dim))
    if num_points <= at_once:
        return first
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(at_once, num_points))
    more = jax.lax.map(lambda k: jax.random.normal(k, (dim,)), keys, batch_size=max(2, _PIECE // dim))
    return jnp.concatenate([first, more])


class BrownianPaths(AbstractDomain):
    """`(√2 W_t, t)` with t uniform on [0, horizon]: points on Brownian paths from the origin."""

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        x = jnp.sqrt(2 * t) * _normal(num_points, self.dim, key=noise)
        return jnp.concatenate([x, t], axis=1)


class GeometricBrownianPaths(AbstractDomain):
    """`(X_t, t)`, `X_t = x₀ exp(σW_t − σ²t/2)` coordinate by coordinate, t uniform on [0, horizon].

    Points on paths of `dX = σ diag(X) dW` from x₀ = `start`: lognormal, with mean x₀ at all times.
    """

    start: Float[np.ndarray, " dim"]
    volatility: float = eqx.field(static=True)
    horizon: float = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        w = jnp.sqrt(t) * _normal(num_points, len(self.start), key=noise)
        growth = jnp.exp(self.volatility * w - self.volatility**2 * t / 2)
        return jnp.concatenate([jnp.asarray(self.start, growth.dtype) * growth, t], axis=1)


class WithTime(AbstractDomain):
    """`(x, t)` with x from another domain and t uniform on [0, horizon]."""

    space: AbstractDomain
    horizon: float = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        inside, times = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        return jnp.concatenate([self.space(num_points, key=inside), t], axis=1)


class Box(AbstractDomain):
    """Uniform on a product of intervals `(low, high)`, one per input."""

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        low, high = jnp.asarray(self.bounds).T
        return low + (high - low) * jax.random.uniform(key, (num_points, len(self.bounds)))
