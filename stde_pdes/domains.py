"""Distributions of collocation points."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
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
        directions, radii = jax.random.split(key)
        z = jax.random.normal(directions, (num_points, self.dim))
        r = jax.random.uniform(radii, (num_points, 1))
        return z * (r / jnp.linalg.norm(z, axis=1, keepdims=True))


class BrownianPaths(AbstractDomain):
    """`(√2 W_t, t)` with t uniform on [0, horizon]: points on Brownian paths from the origin."""

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        x = jnp.sqrt(2 * t) * jax.random.normal(noise, (num_points, self.dim))
        return jnp.concatenate([x, t], axis=1)


class Box(AbstractDomain):
    """Uniform on a product of intervals `(low, high)`, one per input."""

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        low, high = jnp.asarray(self.bounds).T
        return low + (high - low) * jax.random.uniform(key, (num_points, len(self.bounds)))


class BoxFaces(AbstractDomain):
    """Uniform on the faces of a box across the given axes, all faces equally likely."""

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    axes: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        inside, across, side = jax.random.split(key, 3)
        points = Box(self.bounds)(num_points, key=inside)
        axis = jax.random.choice(across, jnp.asarray(self.axes), (num_points,))
        ends = jnp.asarray(self.bounds)[axis]
        end = jnp.where(jax.random.bernoulli(side, shape=(num_points,)), ends[:, 0], ends[:, 1])
        return points.at[jnp.arange(num_points), axis].set(end)
