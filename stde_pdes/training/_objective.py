"""A problem's residuals as a function of the network's parameters."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Key, PRNGKeyArray

import stde_core as stde

from .._problem import AbstractProblem, Condition
from .._settings import Training
from ..optimisers import AbstractObjective
from ._sample import Sample, draw, take, with_slopes


class Objective(AbstractObjective):
    """`Σ weight · mean(residual²)` over the conditions of a problem.

    Weights that follow causality belong to a sample, by the residuals at the parameters that it is drawn
    at: losses of one sample have equal weights, whatever the parameters, and can be compared.
    `model` makes the problem's model, its ansatz included, from the parameters.
    """

    problem: AbstractProblem
    model: Callable[[Any], stde.Model]
    estimator: stde.AbstractEstimator
    training: Training = eqx.field(static=True)

    def draw(self, params: Any, batch: int, *, key: PRNGKeyArray) -> tuple[Sample, ...]:
        def one(position: int, condition: Condition) -> Sample:
            part = self._draw(params, condition, batch, key=jax.random.fold_in(key, position))
            return self._weighed(params, condition, part)

        return tuple(one(*pair) for pair in enumerate(self.problem.conditions))

    def _draw(self, params: Any, condition: Condition, batch: int, *, key: PRNGKeyArray) -> Sample:
        resampling = self.training.resampling
        if resampling is None or condition.operators is None:
            return draw(condition, self.training, batch, key=key)
        candidates = draw(condition, self.training, resampling.candidates * batch, key=key)
        rows = self._rows(params, condition, candidates, candidates.keys)
        chosen = resampling(jax.lax.stop_gradient(rows[:, 0]), batch, key=jax.random.fold_in(key, 1))
        return take(candidates, chosen, key=jax.random.fold_in(key, 2))

    def _weighed(self, params: Any, condition: Condition, sample: Sample) -> Sample:
        """The sample with its causal weights, where there are any."""
        causal, arrow = self.training.causal, self.problem.time_arrow
        if causal is None or arrow == 0 or condition.operators is None:
            return sample
        rows = self._rows(params, condition, sample, sample.keys)
        return replace(sample, weights=causal(sample.points[:, -1], rows[:, 0] ** 2, arrow))

    def loss(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, ""]:
        return jnp.asarray(sum(self.terms(params, sample).values()))

    def terms(self, params: Any, sample: tuple[Sample, ...]) -> dict[str, Float[Array, ""]]:
        """The summands of the loss, by the names of their conditions."""

        def one(condition: Condition, part: Sample) -> Array:
            first = second = self._rows(params, condition, part, part.keys)
            if self.training.unbiased and condition.operators is not None:
                second = self._rows(params, condition, part, part.second_keys)
            return jnp.sum(self._roots(condition, part) ** 2 * first * second)

        pairs = zip(self.problem.conditions, sample, strict=True)
        return {condition.name: one(condition, part) for condition, part in pairs}

    def residuals(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, " rows"]:
        def weighted(condition: Condition, part: Sample) -> Array:
            return (self._roots(condition, part) * self._rows(params, condition, part, part.keys)).ravel()

        return jnp.concatenate(
            [weighted(*pair) for pair in zip(self.problem.conditions, sample, strict=True)]
        )

    def jacobian(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, "rows params"]:
        flat, unravel = ravel_pytree(params)

        def weighted(condition: Condition, part: Sample) -> Array:
            def slopes(x: stde.Point, key: PRNGKeyArray, axes: Array, right: Array) -> Array:
                return jax.jacrev(lambda flat: self._at(unravel(flat), condition, x, key, axes))(flat)

            rows = _over_points(slopes, part, part.keys)
            return (self._roots(condition, part)[..., None] * rows).reshape(-1, flat.size)

        return jnp.concatenate(
            [weighted(*pair) for pair in zip(self.problem.conditions, sample, strict=True)]
        )

    def _roots(self, condition: Condition, sample: Sample) -> Float[Array, "n rows"]:
        """The square roots of what each squared row counts in the loss."""
        (num_points, num_inputs), num_axes = sample.points.shape, sample.axes.shape[1]
        slopes = jnp.full(num_axes, self.training.gpinn_weight * num_inputs / max(num_axes, 1))
        shares = jnp.concatenate([jnp.ones(1), slopes]) * (condition.weight / num_points)
        return jnp.sqrt(sample.weights[:, None] * shares[None]).astype(sample.points.dtype)

    def _rows(
        self, params: Any, condition: Condition, sample: Sample, keys: Key[Array, "*n"]
    ) -> Float[Array, "n rows"]:
        """The residual at each point, and its derivatives along the point's axes."""

        def rows(x: stde.Point, key: PRNGKeyArray, axes: Array, right: Array) -> Array:
            return self._at(params, condition, x, key, axes) - right

        return _over_points(rows, sample, keys)

    def _at(
        self, params: Any, condition: Condition, x: stde.Point, key: PRNGKeyArray, axes: Array
    ) -> Float[Array, " rows"]:
        """The residual at one point with its derivatives, all with the same tangents, sources apart."""
        model, operators = self.model(params), condition.operators

        def residual(x: stde.Point) -> Array:
            if operators is None:
                return condition.residual(x, model(x), None)
            estimate = stde.estimate(operators, model, x, self.estimator, key=key, standard_error=False)
            return condition.residual(x, estimate.primal, estimate.value)

        return with_slopes(residual, x, axes)


def _over_points(rows: Callable[..., Any], sample: Sample, keys: Key[Array, "*n"]) -> Any:
    in_axes = (0, 0 if keys.ndim == 1 else None, 0, 0)
    return jax.vmap(rows, in_axes=in_axes)(sample.points, keys, sample.axes, sample.right)


def loss(
    problem: AbstractProblem,
    model: stde.Model,
    estimator: stde.AbstractEstimator,
    training: Training,
    *,
    key: PRNGKeyArray,
) -> Float[Array, ""]:
    """The loss of a model at fresh points."""
    objective = Objective(problem, lambda model: model, estimator, training)
    return objective.loss(model, objective.draw(model, training.batch, key=key))
