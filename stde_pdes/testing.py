"""What a PDE problem should keep beyond what its constructor sees, as a check."""

import dataclasses
import io
from collections.abc import Callable
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde
from stde_core.testing import cast, jit, require, require_near, require_round_trip, run_clauses

from .conditions import AbstractCondition, Condition
from .problem import Problem
from .report.figures import chosen_plot
from .training import Objective, check, hold_out, split

_NUM_POINTS = 8
_LARGEST_RESIDUAL = 1e-8


def check_problem(problem: Problem, *, fixed: Float[Array | np.ndarray, "n inputs"] | None = None) -> None:
    """Checks that a problem keeps what training, runs and reports take for granted.

    `fixed` are points where the ansatz has the solution's values by itself, whatever the network: on
    the boundary, or at the initial time; best a NumPy array, which is in float64. Small dimensions
    are enough, and quick. Problems that compute something when they are built are best built in
    float64. The clauses:

    - *description*: the origin is a point.
    - *round trip*: a PyTree with static parts that hash.
    - *points*: of each condition, `[n, num_inputs]`, finite, the same for the same key only.
    - *network*: takes `num_features` inputs and gives the outputs.
    - *ansatz*: makes a model of the outputs, finite, affine in the network.
    - *fixed points*: there the model is the solution, for any network (where `fixed` is given).
    - *reference*: `[n]`, or `[n, outputs]`, float64 and finite; those of `solution`, where there are both.
    - *solution*: fulfils every condition up to 1e-8 in float64, relative to the terms of its residual,
      with operators taken by `exact` (where there is a `solution`, and the conditions are no data).
    - *estimator*: takes the operators of all conditions.
    - *training*: is accepted; the loss is finite, and smaller after a small step against its gradient.
    - *view*: the plot draws a picture.

    Raises `AssertionError` with a sentence that names the first clause that broke.
    """
    clauses = [description, round_trip, points, network, ansatz, fixed_points, reference]
    clauses += [solution, estimator, training, view]
    run_clauses("check_problem(…)", clauses, lambda: _Subject(cast(problem, float), fixed))


@dataclasses.dataclass(frozen=True)
class _Subject:
    """A problem with points and networks to try it on."""

    problem: Problem
    fixed: Array | np.ndarray | None

    @cached_property
    def points(self) -> Array:
        return self.problem.conditions[0].draw(_NUM_POINTS, key=jax.random.key(0))[0]

    def network(self, seed: int) -> eqx.nn.MLP:
        outputs = len(self.problem.outputs) if self.problem.output_shape else "scalar"
        return eqx.nn.MLP(self.problem.num_features, outputs, 8, 2, jnp.tanh, key=jax.random.key(seed))

    def values(self, network: Callable[[Array], Array], points: Array) -> np.ndarray:
        """The ansatz of a network at points."""
        return np.asarray(jit(jax.vmap(self.problem.ansatz(network)))(points))

    @cached_property
    def estimator(self) -> stde.AbstractEstimator:
        return self.problem.chosen_estimator()


def description(subject: _Subject) -> None:
    problem = subject.problem
    if problem.origin is not None:
        shape, expected = np.shape(problem.origin), (problem.num_inputs,)
        require(shape == expected, f"`origin` has shape {shape}, a point has {expected}.")
    require(
        all(isinstance(note, str) for note in problem.notes), f"`notes` are no sentences: {problem.notes!r}."
    )


def round_trip(subject: _Subject) -> None:
    require_round_trip(subject.problem)


def points(subject: _Subject) -> None:
    for condition in subject.problem.conditions:
        if not isinstance(condition, Condition):  # measured at points that are given
            continue
        what, shape = f"points of the condition {condition.name!r}", (_NUM_POINTS, subject.problem.num_inputs)
        first, again, other = (
            np.asarray(condition.points(_NUM_POINTS, key=jax.random.key(seed))) for seed in (1, 1, 2)
        )
        require(first.shape == shape, f"{what} have shape {first.shape}, expected {shape}.")
        require(np.issubdtype(first.dtype, np.floating), f"{what} have dtype {first.dtype}.")
        require(np.all(np.isfinite(first)), f"{what} are not all finite.")
        require(np.array_equal(first, again), f"{what} differ between two calls with one key.")
        require(not np.array_equal(first, other), f"{what} are the same for two keys.")


def network(subject: _Subject) -> None:
    problem = subject.problem
    model = eqx.filter_eval_shape(lambda: problem.built(key=jax.random.key(0)))
    x = jax.ShapeDtypeStruct((problem.num_features,), jnp.result_type(float))
    shape = eqx.filter_eval_shape(lambda model, x: model(x), model, x).shape
    expected = problem.output_shape
    require(shape == expected, f"`network` gives an array of shape {shape}, the outputs have {expected}.")


def ansatz(subject: _Subject) -> None:
    f, g = subject.network(0), subject.network(1)
    first, second = (subject.values(h, subject.points) for h in (f, g))
    require(np.all(np.isfinite(first)), f"the model's values are {first}.")
    both = subject.values(lambda x: 3 * f(x) - 2 * g(x), subject.points)
    require_near("the model of 3f − 2g", both, 3 * first - 2 * second, why="3 times that of f less 2 of g")


def fixed_points(subject: _Subject) -> None:
    if subject.fixed is None:
        return
    fixed = jnp.asarray(subject.fixed, float)
    truth = subject.problem.truth(fixed)
    # Points that were rounded lie beside the boundary.
    atol = 1e-9 if subject.fixed.dtype == np.float64 else 1e-4
    for seed in (0, 1):
        found = subject.values(subject.network(seed), fixed)
        require_near("the model", found, truth, atol=atol, why="the reference")


def reference(subject: _Subject) -> None:
    problem = subject.problem
    if not callable(problem.reference):  # values that are given, or those of `solution`
        return
    found, shape = np.asarray(problem.reference(subject.points)), (len(subject.points), *problem.output_shape)
    require(found.shape == shape, f"it has shape {found.shape}, expected {shape}.")
    require(found.dtype == np.float64, f"it has dtype {found.dtype}, expected float64.")
    require(np.all(np.isfinite(found)), f"it is {found}.")
    if problem.solution is not None:
        require_near("it", found, jax.vmap(problem.solution)(subject.points), why="`solution`")
    if problem.origin is not None:
        at_origin = problem.truth(jnp.asarray(problem.origin)[None])
        require(np.all(np.isfinite(at_origin)), f"at the origin it is {at_origin}.")


def solution(subject: _Subject) -> None:
    if subject.problem.solution is None or subject.problem.parameters:
        return
    for condition in subject.problem.conditions:
        largest = _largest_residual(subject.problem, condition, _NUM_POINTS)
        said = f"its residual in {condition.name!r} is {largest:.2g}, relative to the terms in it."
        require(largest < _LARGEST_RESIDUAL, said)


def worst_residual(problem: Problem, num_points: int = 100) -> float:
    """The largest residual of `problem.solution` over all conditions, relative to the terms in it.

    Operators are taken by the `exact` estimator, at points of each condition's own domain.
    """
    return max(_largest_residual(problem, condition, num_points) for condition in problem.conditions)


def _largest_residual(problem: Problem, condition: AbstractCondition, num_points: int) -> float:
    exact, u = stde.get_estimator("exact"), problem.solution
    assert u is not None

    def relative(x: stde.Point, measured: Array) -> Array:
        primal, values = u(x), None
        if condition.operators is not None:
            estimate = stde.estimate(condition.operators, u, x, exact)
            primal, values = estimate.primal, estimate.value
        right = measured if condition.source is None else jnp.ravel(condition.source(x))
        scale = sum(jnp.sum(jnp.abs(v)) for v in jax.tree.leaves(values)) + 1.0
        return jnp.max(jnp.abs(condition.rows(x, primal, values, {}) - right)) / scale

    points, measured = condition.draw(num_points, key=jax.random.key(0))
    measured = jnp.zeros((len(points), 1)) if measured is None else measured
    return float(jnp.max(jax.lax.map(lambda pair: relative(*pair), (points, measured), batch_size=10)))


def estimator(subject: _Subject) -> None:
    for condition in subject.problem.conditions:
        operators = condition.operators_at(subject.problem.parameters)
        if operators is not None:
            reason = subject.estimator.refuses(operators, subject.problem.num_inputs)
            require(reason is None, f"for {condition.name!r} the estimator {reason}.")


def training(subject: _Subject) -> None:
    problem = subject.problem
    check(problem, problem.training)
    params, rebuild = split(problem, subject.network(0))
    objective = Objective(problem, rebuild, subject.estimator, problem.training)
    objective = objective.with_states(objective.first_states())
    sample = objective.draw(params, _NUM_POINTS, key=jax.random.key(0))
    value, slope = jit(jax.value_and_grad(objective.loss))(params, sample)
    steepness = sum(jnp.sum(g**2) for g in jax.tree.leaves(slope))
    require(jnp.isfinite(value) & jnp.isfinite(steepness), f"the loss is {value}, its gradient {steepness}.")

    def after(share: Array) -> Array:
        """The loss after a step that would lower it by that share, were it linear."""
        step = share * jnp.abs(value) / steepness
        return objective.loss(jax.tree.map(lambda p, g: p - step * g, params, slope), sample)

    losses = jit(lambda: jax.lax.map(after, 10.0 ** -jnp.arange(1, 9)))()
    require(jnp.min(losses) < value, f"no step against its gradient lowers the loss of {value}.")


def view(subject: _Subject) -> None:
    from matplotlib.figure import Figure

    problem = subject.problem
    figure: Any = Figure(figsize=(4, 3), dpi=40)
    truth, held_out = (problem.truth, hold_out(problem, _NUM_POINTS)) if problem.is_judged else (None, None)
    chosen_plot(problem).draw(figure.subfigures(), problem.ansatz(subject.network(0)), truth, held_out)
    require(figure.subfigs[0].axes, "it draws nothing.")
    figure.savefig(io.BytesIO(), format="png")
