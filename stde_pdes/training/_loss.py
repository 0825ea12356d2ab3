"""The loss of a problem: weighted mean squared residuals of its conditions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde

from .._problem import AbstractProblem, Condition
from .._settings import Training


def loss(
    problem: AbstractProblem,
    model: stde.Model,
    estimator: stde.AbstractEstimator,
    training: Training,
    *,
    key: PRNGKeyArray,
) -> Float[Array, ""]:
    """The loss at fresh points: `Σ weight · mean(residual²)` over the conditions."""
    total = jnp.zeros(())
    for position, condition in enumerate(problem.conditions):
        points_key, *tangent_keys = jax.random.split(jax.random.fold_in(key, position), 3)
        points = condition.points(training.batch, key=points_key)
        right = sources(condition, points)
        first, *second = [
            residuals(condition, model, estimator, points, key=k, shared=training.shared_tangents) - right
            for k in (tangent_keys if _is_random(condition, training) else tangent_keys[:1])
        ]
        total += condition.weight * jnp.mean(first * (second[0] if second else first))
    return total


# So many numbers of points go through a right-hand side at once: a few fit into a processor's caches.
_ENTRIES = 2**19


def sources(condition: Condition, points: Float[Array, "n inputs"]) -> Float[Array, " n"] | float:
    """The right-hand side at each point, without gradient, in chunks of bounded memory."""
    if condition.source is None:
        return 0.0
    num_points, num_inputs = points.shape
    chunk = max(1, _ENTRIES // num_inputs)
    if chunk >= num_points:
        return jax.lax.stop_gradient(jax.vmap(condition.source)(points))
    return jax.lax.stop_gradient(jax.lax.map(condition.source, points, batch_size=chunk))


def _is_random(condition: Condition, training: Training) -> bool:
    """Whether a second draw is wanted and can differ from the first."""
    return training.unbiased and condition.operators is not None


def residuals(
    condition: Condition,
    model: stde.Model,
    estimator: stde.AbstractEstimator,
    points: Float[Array, "n inputs"],
    *,
    key: PRNGKeyArray,
    shared: bool,
) -> Float[Array, " n"]:
    """The residual at each point, sources apart, with tangents of its own or one draw shared by all."""
    residual = _residual(condition, model, estimator)
    if shared:
        return jax.vmap(lambda x: residual(x, key))(points)
    return jax.vmap(residual)(points, jax.random.split(key, points.shape[0]))


def _residual(
    condition: Condition, model: stde.Model, estimator: stde.AbstractEstimator
) -> Callable[[stde.Point, PRNGKeyArray], Array]:
    def residual(x: stde.Point, key: PRNGKeyArray) -> Array:
        if condition.operators is None:
            return condition.residual(x, model(x), None)
        estimate = stde.estimate(condition.operators, model, x, estimator, key=key, standard_error=False)
        return condition.residual(x, estimate.primal, estimate.value)

    return residual
