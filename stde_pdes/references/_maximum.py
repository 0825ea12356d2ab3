"""The mean of a function of the largest of independent normal variables, by quadrature."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Nodes reach from so many spreads below the largest mean to so many above it.
_LOWEST, _HIGHEST = -6.0, 7.5


def mean_at_maximum(
    function: Callable[[Array], Array],
    means: Float[Array, " dim"],
    spread: Float[Array, ""],
    *,
    num_nodes: int = 32,
) -> Float[Array, ""]:
    """`E g(M)` of `M = max_i (x_i + σ Z_i)` with independent standard normal Z, for a smooth g.

    With `P(M ≤ m) = Π_i Φ((m − x_i)/σ)` and a normal variable N in place of M,
    `E g(M) = E g(N) + ∫ g'(m) (P(N ≤ m) − P(M ≤ m)) dm`, where the integrand falls off on both
    sides, so that the trapezoidal rule converges faster than any power. For g = arctan and σ up to
    1, 32 nodes are right to 1e-5 in 1 to 100 dimensions, and 64 to 1e-6 up to 10⁴.

    `function` acts entry by entry. σ > 0. Cost: `dim * num_nodes`. Can be differentiated in
    means and spread, and as σ²/2 is a time, fulfils the heat equation in them.
    """
    z = np.linspace(_LOWEST, _HIGHEST, num_nodes)
    density, cumulative, step = (
        jnp.asarray(a, means.dtype) for a in (_normal_density(z - 1), _normal_cdf(z - 1), z[1] - z[0])
    )
    # The integral does not depend on where its nodes are.
    scale = jax.lax.stop_gradient(spread)
    nodes = jax.lax.stop_gradient(means.max()) + scale * jnp.asarray(z, means.dtype)
    values, slopes = jax.jvp(function, (nodes,), (jnp.ones_like(nodes),))
    below = 0.5 * jax.lax.erfc((means[:, None] - nodes) / (math.sqrt(2) * spread))
    maximum_below = jnp.exp(jnp.sum(jnp.log(below), axis=0))
    return step * jnp.sum(values * density + scale * slopes * (cumulative - maximum_below))


def _normal_density(z: np.ndarray) -> np.ndarray:
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
