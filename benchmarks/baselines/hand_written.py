"""One training step of a problem on the ball, written out by hand for a tanh MLP.

No engine and no automatic differentiation in x: value, directional first derivatives and the sum
of the second ones are pushed through the network layer by layer, and the product rule applied to
the ansatz. What a good JAX programmer would write for this one equation and network; its gradient
in the parameters is by reverse mode.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

import stde_core as stde
from stde_pdes import Problem
from stde_pdes.training import sources

from . import Setting


def loss(problem: Problem, network: Any, setting: Setting, *, key: PRNGKeyArray) -> Float[Array, ""]:
    """The same number as `stde_pdes.training` computes with sparse tangents and the same key."""
    condition: Any = problem.conditions[0]
    points_key, tangents_key, _ = jax.random.split(jax.random.fold_in(key, 0), 3)
    points = condition.points(setting.batch, key=points_key)
    indices, weights = _draw(problem, setting, key=tangents_key)
    u, laplacian = _u_and_laplacian(problem, network, points, indices, weights)
    residual = jax.vmap(condition.residual)(points, u, laplacian)
    return jnp.mean((residual - sources(condition, points)[:, 0, 0]) ** 2)


def _draw(
    problem: Problem, setting: Setting, *, key: PRNGKeyArray
) -> tuple[Int[Array, "m n"], Float[Array, "m n"]]:
    """Coordinates and weights, `[batch, n]`, or `[1, n]` where the points share them."""
    plan = stde.SamplingPlan(stde.Laplacian(), problem.dim, stde.Sparse(), setting.num_samples)

    def one(key: PRNGKeyArray) -> tuple[Array, Array]:
        ((_, draw),) = plan.draws(key)
        return jnp.asarray(draw.indices), draw.weights

    keys = key[None] if setting.shared_tangents else jax.random.split(key, setting.batch)
    return jax.vmap(one)(keys)


def output_scale(problem: Problem) -> float:
    """s of the ansatz u = s (1−|x|²) net(√d x)."""
    with jax.ensure_compile_time_eval():
        return float(problem.ansatz(lambda z: jnp.ones(()))(jnp.zeros(problem.dim)))


def _u_and_laplacian(
    problem: Problem,
    network: Any,
    x: Float[Array, "b d"],
    indices: Int[Array, "#b n"],
    weights: Float[Array, "#b n"],
) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    """u and the estimate of Δu for u = s (1−|x|²) net(√d x), s being the output scale."""
    d, s = problem.dim, output_scale(problem)
    first, *hidden, last = network.layers
    # Per point: value y, n directional derivatives j, weighted sum h of the second ones, with
    # respect to √d x. Gathering columns is faster than rows of the transposed matrix, which would
    # be written out, and so would √d x.
    y = d**0.5 * (x @ first.weight.T) + first.bias
    j = jnp.moveaxis(first.weight[:, indices], 0, -1)
    y, j, h = _tanh(y, j, jnp.zeros_like(y), weights)
    for layer in hidden:
        y, j, h = y @ layer.weight.T + layer.bias, j @ layer.weight.T, h @ layer.weight.T
        y, j, h = _tanh(y, j, h, weights)
    w = last.weight.reshape(-1)
    net, slope, curvature = y @ w + last.bias.reshape(()), j @ w, h @ w
    # ∂_i² (a net) = a net_ii + 2 a_i net_i + a_ii net with a = 1 − |x|².
    a = 1 - jnp.sum(x**2, axis=1)
    along = jnp.sum(weights * jnp.take_along_axis(x, indices, axis=1) * slope, axis=1)
    laplacian = a * d * curvature - 4 * d**0.5 * along - 2 * jnp.sum(weights, axis=1) * net
    return s * a * net, s * laplacian


def _tanh(
    y: Float[Array, "b w"], j: Float[Array, "#b n w"], h: Float[Array, "b w"], weights: Float[Array, "#b n"]
) -> tuple[Float[Array, "b w"], Float[Array, "b n w"], Float[Array, "b w"]]:
    t = jnp.tanh(y)
    slope = 1 - t**2
    squares = jnp.sum(weights[:, :, None] * j**2, axis=1)
    return t, slope[:, None] * j, slope * h - 2 * t * slope * squares
