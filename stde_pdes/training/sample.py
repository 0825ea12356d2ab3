"""What is random in a loss: collocation points, keys of tangents, axes of derivatives."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

import stde_core as stde

from ..conditions import AbstractCondition
from ..settings import Training


class Sample(eqx.Module):
    """Points of one condition with all else that its residuals need, gradients in parameters apart.

    - `keys`: of the tangents, one per point, or a single one that all points share; `second_keys`
      of an independent second draw.
    - `axes`: along which the residual is differentiated as well, `[n, m]`, m = 0 for none.
    - `right`: the right-hand side and its derivatives along the axes, `[n, 1 + m, rows]`, or one row for all.
    - `weights`: what each point counts beside the others, 1 as it is drawn.
    """

    points: Float[Array, "n inputs"]
    keys: Key[Array, "*n"]
    second_keys: Key[Array, "*n"]
    axes: Int[Array, "n m"]
    right: Float[Array, "n slopes rows"]
    weights: Float[Array, " n"]


def draw(condition: AbstractCondition, training: Training, num_points: int, *, key: PRNGKeyArray) -> Sample:
    """Fresh points of the condition's own law."""
    points_key, *tangent_keys = jax.random.split(key, 3)
    points, measured = condition.draw(num_points, key=points_key)
    num_points = len(points)  # fewer where there are no more
    if not training.shared_tangents:
        tangent_keys = [jax.random.split(k, num_points) for k in tangent_keys]
    axes = _axes(condition, training, points, key=jax.random.fold_in(points_key, 1))
    right, weights = sources(condition, points, axes), jnp.ones(num_points, points.dtype)
    right = right if measured is None else right + measured[:, None]
    return Sample(points, *tangent_keys, axes, right, weights)


def take(sample: Sample, chosen: Int[Array, " k"], *, key: PRNGKeyArray) -> Sample:
    """The points with the given numbers, with fresh tangents.

    Points are chosen by residuals that depend on their tangents: kept, these would be large by choice.
    """
    shape = () if sample.keys.ndim == 0 else chosen.shape  # one key for all points, or one for each
    keys, second_keys = (jax.random.split(k, shape) for k in jax.random.split(key))
    points, axes, right, weights = (
        part[chosen] for part in (sample.points, sample.axes, sample.right, sample.weights)
    )
    return Sample(points, keys, second_keys, axes, right, weights)


def num_axes(condition: AbstractCondition, training: Training, num_inputs: int) -> int:
    """How many derivatives of the residual a point contributes."""
    enhanced = training.gpinn_weight > 0 and condition.operators is not None and condition.differentiable
    return min(training.gpinn_samples, num_inputs) if enhanced else 0


def _axes(condition: AbstractCondition, training: Training, points: Array, *, key: PRNGKeyArray) -> Array:
    num_points, num_inputs = points.shape
    m = num_axes(condition, training, num_inputs)
    if m in (0, num_inputs):
        return jnp.broadcast_to(jnp.arange(m), (num_points, m))
    plan = stde.SamplingPlan(stde.Laplacian(), num_inputs, stde.Sparse(), m)
    return jax.vmap(lambda k: jnp.asarray(plan.draws(k)[0][1].indices))(jax.random.split(key, num_points))


def with_slopes(
    function: Callable[[stde.Point], Float[Array, " rows"]], x: stde.Point, axes: Int[Array, " m"]
) -> Float[Array, "slopes rows"]:
    """A function at x, and its derivatives along the given axes."""
    if axes.shape[0] == 0:
        return function(x)[None]
    directions = jax.nn.one_hot(axes, x.shape[0], dtype=x.dtype)
    value, slopes = jax.vmap(lambda e: jax.jvp(function, (x,), (e,)), out_axes=(None, 0))(directions)
    return jnp.concatenate([value[None], slopes])


# So many numbers of points go through a right-hand side at once: a few fit into a processor's caches.
_ENTRIES = 2**19


def sources(
    condition: AbstractCondition, points: Float[Array, "n inputs"], axes: Int[Array, "n m"] | None = None
) -> Float[Array, "n slopes rows"]:
    """The right-hand side at each point, and its derivatives along the point's axes.

    Without gradient, and in chunks of bounded memory.
    """
    num_points, num_inputs = points.shape
    axes = jnp.zeros((num_points, 0), int) if axes is None else axes
    if condition.source is None:
        return jnp.zeros((num_points, 1 + axes.shape[1], 1), points.dtype)
    source = condition.source

    def one(point_and_axes: tuple[Array, Array]) -> Array:
        return with_slopes(lambda x: jnp.ravel(source(x)), *point_and_axes)

    chunk = max(1, _ENTRIES // num_inputs)
    if chunk >= num_points:
        return jax.lax.stop_gradient(jax.vmap(one)((points, axes)))
    # One at a time is a loop of its own: batches of one would make XLA copy all points.
    batch_size = chunk if chunk > 1 else None
    return jax.lax.stop_gradient(jax.lax.map(one, (points, axes), batch_size=batch_size))
