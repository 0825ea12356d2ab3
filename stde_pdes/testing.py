"""The contract of PDE problems, as a check of any class that claims to keep it."""

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

from ._problem import AbstractProblem, Condition
from ._view import AbstractView
from .training import Objective, check, hold_out

_NUM_POINTS = 8
_LARGEST_RESIDUAL = 1e-8


def check_problem(
    problem: AbstractProblem, *, fixed: Float[Array | np.ndarray, "n inputs"] | None = None
) -> None:
    """Checks that a problem keeps the contract of `AbstractProblem`.

    `fixed` are points where the ansatz has the solution's values by itself, whatever the network: on
    the boundary, or at the initial time; best a NumPy array, which is in float64. Small dimensions
    are enough, and quick. Problems that compute something when they are built are best built in
    float64. The clauses:

    - *description*: numbers of inputs and features, direction of time, origin and notes fit together;
      there is a condition, and conditions have names of their own.
    - *round trip*: a PyTree with static parts that hash.
    - *points*: of each condition, `[n, num_inputs]`, finite, the same for the same key only.
    - *network*: the default one takes `num_features` inputs and gives a scalar.
    - *ansatz*: makes a scalar model, finite, affine in the network.
    - *fixed points*: there the model is the reference, for any network (where `fixed` is given).
    - *reference*: `[n]`, float64 NumPy numbers, finite; those of `solution`, where the problem has that.
    - *solution*: fulfils every condition up to 1e-8 in float64, relative to the terms of its residual,
      with operators taken by `exact` (where there is a method or field `solution`).
    - *estimator*: the default one exists and takes the operators of all conditions.
    - *training*: the default one is accepted; the loss is finite, and smaller after a small step against
      its gradient.
    - *view*: draws a picture.

    Raises `AssertionError` with a sentence that names the first clause that broke.
    """
    clauses = [description, round_trip, points, network, ansatz, fixed_points, reference]
    clauses += [solution, estimator, training, view]
    call = f"check_problem({type(problem).__name__}(…))"
    run_clauses(call, clauses, lambda: _Subject(cast(problem, float), fixed))


@dataclasses.dataclass(frozen=True)
class _Subject:
    """A problem with points and networks to try it on."""

    problem: AbstractProblem
    fixed: Array | np.ndarray | None

    @cached_property
    def points(self) -> Array:
        return self.problem.conditions[0].points(_NUM_POINTS, key=jax.random.key(0))

    def network(self, seed: int) -> eqx.nn.MLP:
        features = self.problem.num_features
        return eqx.nn.MLP(features, "scalar", 8, 2, jnp.tanh, key=jax.random.key(seed))

    def values(self, network: Callable[[Array], Array], points: Array) -> np.ndarray:
        """The ansatz of a network at points."""
        return np.asarray(jit(jax.vmap(self.problem.ansatz(network)))(points))

    @cached_property
    def estimator(self) -> stde.AbstractEstimator:
        name, options = self.problem.default_estimator(self.problem.dim)
        return stde.get_estimator(name, **options)


def description(subject: _Subject) -> None:
    problem = subject.problem
    for field in ("dim", "num_inputs", "num_features"):
        stde.check_count(field, getattr(problem, field))
    stde.check_choice("time_arrow", problem.time_arrow, (-1, 0, 1))
    expected = problem.dim + (problem.time_arrow != 0)
    require(
        problem.num_inputs == expected,
        f"`num_inputs` is {problem.num_inputs}; with `dim` {problem.dim} and `time_arrow` "
        f"{problem.time_arrow} it needs to be {expected}.",
    )
    if problem.origin is not None:
        shape = np.shape(problem.origin)
        require(shape == (expected,), f"`origin` has shape {shape}, a point has ({expected},).")
    notes = isinstance(problem.notes, tuple) and all(isinstance(note, str) for note in problem.notes)
    require(notes, f"`notes` needs to be a tuple of sentences, got {problem.notes!r}.")
    names = [condition.name for condition in problem.conditions]
    distinct = names and len(set(names)) == len(names)
    require(distinct, f"conditions need names of their own, and be at least one, got {names}.")


def round_trip(subject: _Subject) -> None:
    require_round_trip(subject.problem)


def points(subject: _Subject) -> None:
    for condition in subject.problem.conditions:
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
    features = subject.problem.num_features
    model = eqx.filter_eval_shape(subject.problem.default_network, features, key=jax.random.key(0))
    x = jax.ShapeDtypeStruct((features,), jnp.zeros(()).dtype)
    shape = eqx.filter_eval_shape(lambda model, x: model(x), model, x).shape
    require(shape == (), f"`default_network` gives an array of shape {shape}, not a scalar.")


def ansatz(subject: _Subject) -> None:
    f, g = subject.network(0), subject.network(1)
    first, second = (subject.values(h, subject.points) for h in (f, g))
    require(first.shape == (_NUM_POINTS,), f"the model gives shape {first.shape[1:]}, not a scalar.")
    require(np.all(np.isfinite(first)), f"the model's values are {first}.")
    both = subject.values(lambda x: 3 * f(x) - 2 * g(x), subject.points)
    require_near("the model of 3f − 2g", both, 3 * first - 2 * second, why="3 times that of f less 2 of g")


def fixed_points(subject: _Subject) -> None:
    if subject.fixed is None:
        return
    fixed = jnp.asarray(subject.fixed, float)
    truth = np.asarray(subject.problem.reference(fixed))
    # Points that were rounded lie beside the boundary.
    atol = 1e-9 if subject.fixed.dtype == np.float64 else 1e-4
    for seed in (0, 1):
        found = subject.values(subject.network(seed), fixed)
        require_near("the model", found, truth, atol=atol, why="the reference")


def reference(subject: _Subject) -> None:
    found = subject.problem.reference(subject.points)
    require(isinstance(found, np.ndarray), f"it is a {type(found).__name__}, not a NumPy array.")
    require(found.shape == (_NUM_POINTS,), f"it has shape {found.shape}, expected ({_NUM_POINTS},).")
    require(found.dtype == np.float64, f"it has dtype {found.dtype}, expected float64.")
    require(np.all(np.isfinite(found)), f"it is {found}.")
    exact = getattr(subject.problem, "solution", None)
    if exact is not None:
        require_near("it", found, jax.vmap(exact)(subject.points), why="`solution`")
    if subject.problem.origin is not None:
        at_origin = subject.problem.reference(jnp.asarray(subject.problem.origin)[None])
        require(np.all(np.isfinite(at_origin)), f"at the origin it is {at_origin}.")


def solution(subject: _Subject) -> None:
    if getattr(subject.problem, "solution", None) is None:
        return
    for condition in subject.problem.conditions:
        largest = _largest_residual(subject.problem, condition, _NUM_POINTS)
        require(
            largest < _LARGEST_RESIDUAL,
            f"its residual in {condition.name!r} is {largest:.2g}, relative to the terms in it.",
        )


def worst_residual(problem: Any, num_points: int = 100) -> float:
    """The largest residual of `problem.solution` over all conditions, relative to the terms in it.

    Operators are taken by the `exact` estimator, at points of each condition's own domain.
    """
    return max(_largest_residual(problem, condition, num_points) for condition in problem.conditions)


def _largest_residual(problem: Any, condition: Condition, num_points: int) -> float:
    exact = stde.get_estimator("exact")

    def relative(x: stde.Point) -> Array:
        primal, values = problem.solution(x), None
        if condition.operators is not None:
            estimate = stde.estimate(condition.operators, problem.solution, x, exact)
            primal, values = estimate.primal, estimate.value
        right = 0.0 if condition.source is None else condition.source(x)
        scale = sum(jnp.sum(jnp.abs(v)) for v in jax.tree.leaves(values)) + 1.0
        return jnp.abs(condition.residual(x, primal, values) - right) / scale

    drawn = condition.points(num_points, key=jax.random.key(0))
    return float(jnp.max(jax.lax.map(relative, drawn, batch_size=10)))


def estimator(subject: _Subject) -> None:
    for condition in subject.problem.conditions:
        if condition.operators is not None:
            reason = subject.estimator.refuses(condition.operators, subject.problem.num_inputs)
            require(reason is None, f"for {condition.name!r} the default estimator {reason}.")


def training(subject: _Subject) -> None:
    problem, settings = subject.problem, subject.problem.default_training
    check(problem, settings)
    params, static = eqx.partition(subject.network(0), eqx.is_inexact_array)

    def model(params: Any) -> stde.Model:
        return problem.ansatz(eqx.combine(params, static))

    objective = Objective(problem, model, subject.estimator, settings)
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
    require(isinstance(problem.view, AbstractView), f"`view` is {problem.view!r}, no `AbstractView`.")
    figure: Any = Figure(figsize=(4, 3), dpi=40)
    held_out = hold_out(problem, _NUM_POINTS)
    problem.view.draw(figure.subfigures(), problem.ansatz(subject.network(0)), problem.reference, held_out)
    require(figure.subfigs[0].axes, "it draws nothing.")
    figure.savefig(io.BytesIO(), format="png")
