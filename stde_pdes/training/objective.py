"""A problem's residuals as a function of what is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

import stde_core as stde

from ..conditions import AbstractCondition
from ..optimisers import AbstractObjective
from ..problem import Problem, Unknowns
from ..settings import Training
from .sample import Sample, draw, take, with_slopes

# Far from the numbers of conditions, which are folded into the key of a step too.
_REFRESH = 2**31 - 3


class Objective(AbstractObjective):
    """`Σ weight · mean |residual|²` over the conditions of a problem.

    Factors by `training.weightings` belong to a sample, by the residuals at the parameters that it is drawn
    at: losses of one sample have equal weights, whatever the parameters, and can be compared.

    - `rebuild`: makes the network and the problem's parameters from what is trained.
    - `states`: those of the weightings.
    """

    problem: Problem
    rebuild: Callable[[Any], Unknowns]
    estimator: stde.AbstractEstimator
    training: Training = eqx.field(static=True)
    states: tuple[Any, ...] = ()

    def first_states(self) -> tuple[Any, ...]:
        """The states of the weightings before the first step."""
        return tuple(w.init(len(self.problem.conditions)) for w in self.training.weightings)

    def with_states(self, states: tuple[Any, ...]) -> "Objective":
        """The same objective in another state of its weightings."""
        return Objective(self.problem, self.rebuild, self.estimator, self.training, states)

    def refreshed(
        self, params: Any, index: Int[Array, ""], batch: int, *, key: PRNGKeyArray
    ) -> tuple[Any, ...]:
        """The states of the weightings before step `index`."""
        if not self.training.weightings:
            return self.states
        plain = Objective(self.problem, self.rebuild, self.estimator, replace(self.training, weightings=()))
        key = jax.random.fold_in(jax.random.fold_in(key, index), _REFRESH)

        def terms(params: Any) -> Array:
            return jnp.stack(list(plain.terms(params, plain.draw(params, batch, key=key)).values()))

        pairs = zip(self.training.weightings, self.states, strict=True)
        return tuple(weighting.refresh(state, terms, params, index) for weighting, state in pairs)

    def draw(self, params: Any, batch: int, *, key: PRNGKeyArray) -> tuple[Sample, ...]:
        def one(position: int, condition: AbstractCondition) -> Sample:
            size = batch if condition.batch is None else condition.batch
            part = self._draw(params, condition, size, key=jax.random.fold_in(key, position))
            return self._weighed(params, position, condition, part)

        return tuple(one(*pair) for pair in enumerate(self.problem.conditions))

    def _draw(self, params: Any, condition: AbstractCondition, batch: int, *, key: PRNGKeyArray) -> Sample:
        resampling = self.training.resampling
        if resampling is None or condition.operators is None:
            return draw(condition, self.training, batch, key=key)
        candidates = draw(condition, self.training, resampling.candidates * batch, key=key)
        rows = self._rows(params, condition, candidates, candidates.keys)[:, 0]
        sizes = jnp.abs(rows[:, 0]) if rows.shape[1] == 1 else jnp.linalg.norm(rows, axis=1)
        chosen = resampling(jax.lax.stop_gradient(sizes), batch, key=jax.random.fold_in(key, 1))
        return take(candidates, chosen, key=jax.random.fold_in(key, 2))

    def _weighed(self, params: Any, position: int, condition: AbstractCondition, sample: Sample) -> Sample:
        """The sample with the factors of the weightings."""
        problem, weights = self.problem, sample.weights
        timed = problem.time is not None and condition.operators is not None
        times = problem.arrow * sample.points[:, problem.time] if timed else None

        def squares() -> Array:
            return jnp.sum(self._rows(params, condition, sample, sample.keys)[:, 0] ** 2, axis=-1)

        for weighting, state in zip(self.training.weightings, self.states, strict=True):
            shares = weighting.of_points(times, squares)
            weights = weights if shares is None else weights * shares
            factor = weighting.of_conditions(state, len(problem.conditions))[position]
            weights = (weights * factor).astype(sample.weights.dtype)
        return replace(sample, weights=weights)

    def loss(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, ""]:
        return jnp.asarray(sum(self.terms(params, sample).values()))

    def terms(self, params: Any, sample: tuple[Sample, ...]) -> dict[str, Float[Array, ""]]:
        """The summands of the loss, by the names of their conditions."""

        def one(condition: AbstractCondition, part: Sample) -> Array:
            first = second = self._rows(params, condition, part, part.keys)
            if self.training.unbiased and condition.operators is not None:
                second = self._rows(params, condition, part, part.second_keys)
            return jnp.sum(self._roots(condition, part)[..., None] ** 2 * first * second)

        pairs = zip(self.problem.conditions, sample, strict=True)
        return {condition.name: one(condition, part) for condition, part in pairs}

    def residuals(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, " rows"]:
        def weighted(condition: AbstractCondition, part: Sample) -> Array:
            rows = self._rows(params, condition, part, part.keys)
            return (self._roots(condition, part)[..., None] * rows).ravel()

        return jnp.concatenate(
            [weighted(*pair) for pair in zip(self.problem.conditions, sample, strict=True)]
        )

    def jacobian(self, params: Any, sample: tuple[Sample, ...]) -> Float[Array, "rows params"]:
        flat, unravel = ravel_pytree(params)

        def weighted(condition: AbstractCondition, part: Sample) -> Array:
            def slopes(x: stde.Point, key: PRNGKeyArray, axes: Array, right: Array) -> Array:
                return jax.jacrev(lambda flat: self._at(unravel(flat), condition, x, key, axes))(flat)

            rows = _over_points(slopes, part, part.keys)
            return (self._roots(condition, part)[..., None, None] * rows).reshape(-1, flat.size)

        return jnp.concatenate(
            [weighted(*pair) for pair in zip(self.problem.conditions, sample, strict=True)]
        )

    def at_points(self, params: Any, condition: AbstractCondition, sample: Sample) -> Float[Array, "n rows"]:
        """The residuals themselves, without weights or slopes."""
        return self._rows(params, condition, sample, sample.keys)[:, 0]

    def _roots(self, condition: AbstractCondition, sample: Sample) -> Float[Array, "n slopes"]:
        """The square roots of what each squared residual and slope counts in the loss."""
        (num_points, num_inputs), num_axes = sample.points.shape, sample.axes.shape[1]
        slopes = jnp.full(num_axes, self.training.gpinn_weight * num_inputs / max(num_axes, 1))
        shares = jnp.concatenate([jnp.ones(1), slopes]) * (condition.weight / num_points)
        return jnp.sqrt(sample.weights[:, None] * shares[None]).astype(sample.points.dtype)

    def _rows(
        self, params: Any, condition: AbstractCondition, sample: Sample, keys: Key[Array, "*n"]
    ) -> Float[Array, "n slopes rows"]:
        """The residual at each point, and its derivatives along the point's axes."""

        def rows(x: stde.Point, key: PRNGKeyArray, axes: Array, right: Array) -> Array:
            return self._at(params, condition, x, key, axes) - right

        return _over_points(rows, sample, keys)

    def _at(
        self, params: Any, condition: AbstractCondition, x: stde.Point, key: PRNGKeyArray, axes: Array
    ) -> Float[Array, "slopes rows"]:
        """The residual at one point with its derivatives, all with the same tangents, sources apart."""
        unknowns = self.rebuild(params)
        model, operators = self.problem.ansatz(unknowns.network), condition.operators_at(unknowns.parameters)

        def residual(x: stde.Point) -> Array:
            if operators is None:
                return condition.rows(x, model(x), None, unknowns.parameters)
            estimate = stde.estimate(operators, model, x, self.estimator, key=key, standard_error=False)
            return condition.rows(x, estimate.primal, estimate.value, unknowns.parameters)

        return with_slopes(residual, x, axes)


def _over_points(rows: Callable[..., Any], sample: Sample, keys: Key[Array, "*n"]) -> Any:
    in_axes = (0, 0 if keys.ndim == 1 else None, 0, 0)
    return jax.vmap(rows, in_axes=in_axes)(sample.points, keys, sample.axes, sample.right)


def loss(
    problem: Problem,
    network: Any,
    estimator: stde.AbstractEstimator,
    training: Training,
    *,
    batch: int = 100,
    key: PRNGKeyArray,
) -> Float[Array, ""]:
    """The loss of a network in the problem's ansatz, at `batch` fresh points of each condition."""
    parameters = {name: jnp.asarray(value, float) for name, value in problem.parameters.items()}
    objective = Objective(problem, lambda params: Unknowns(params, parameters), estimator, training)
    objective = objective.with_states(objective.first_states())
    return objective.loss(network, objective.draw(network, batch, key=key))
