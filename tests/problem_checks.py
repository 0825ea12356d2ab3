"""What every problem with a closed form should fulfil, as functions that its tests call."""

import jax
import jax.numpy as jnp

import stde_core as stde


def worst_residual(problem, num_points=100):
    """The largest residual of the exact solution over all conditions, relative to the terms in it.

    Operators are taken by the `exact` estimator, at points of each condition's own domain.
    """
    return max(_worst(problem, condition, num_points) for condition in problem.conditions)


def _worst(problem, condition, num_points):
    exact = stde.get_estimator("exact")

    def relative(x):
        primal, values = problem.solution(x), None
        if condition.operators is not None:
            estimate = stde.estimate(condition.operators, problem.solution, x, exact)
            primal, values = estimate.primal, estimate.value
        right = 0.0 if condition.source is None else condition.source(x)
        scale = sum(jnp.sum(jnp.abs(v)) for v in jax.tree.leaves(values)) + 1.0
        return jnp.abs(condition.residual(x, primal, values) - right) / scale

    points = condition.points(num_points, key=jax.random.key(0))
    return float(jnp.max(jax.lax.map(relative, points, batch_size=10)))
