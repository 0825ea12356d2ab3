"""The training loop: one optimiser after the other, with progress and snapshots in between."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import scipy.linalg  # noqa: F401  # JAX calls its LAPACK, and would load it later, with all threads
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from threadpoolctl import threadpool_limits

import stde_core as stde

from ..optimisers import AbstractStage
from ..problem import Problem
from ..settings import Training
from .arguments import check_call, check_kinds, check_network, check_points, check_residuals
from .errors import HeldOut
from .meter import Meter, Progress, Stop
from .not_finite import not_finite
from .objective import Objective
from .snapshot import Place, Snapshot, split, start_of

_SECONDS = 1.0


@dataclass(frozen=True)
class Trained:
    """A trained network, with the progress at its last step.

    - `parameters`: those of the problem, as they were found.
    - `stopped`: why a callback ended the training early; None where it came to its end.
    """

    network: Any
    progress: Progress
    parameters: dict[str, Array]
    objective: Objective
    params: Any
    stopped: str | None = None


def train(
    problem: Problem,
    network: Any,
    estimator: stde.AbstractEstimator,
    training: Training,
    held_out: HeldOut | None,
    *,
    key: PRNGKeyArray,
    start: Snapshot | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    keep: Callable[[Snapshot], None] = lambda snapshot: None,
    callbacks: Sequence[Callable[[Progress], str | None]] = (),
) -> Trained:
    """Trains `network` inside the problem's ansatz, by one stage of `training` after the other.

    Step i of stage s draws its points and tangents from `fold_in(fold_in(key, s), i)`: a training
    that goes on from a snapshot comes to the same numbers as one that was never stopped.

    - `held_out`: where errors are measured; None for a problem without a known solution.
    - `start`: where to go on, from a training with the same arguments; None for the beginning. Its
      memory is reused.
    - `report`: called after every chunk of steps, of about a second; errors are measured about 20
      times, and after the last step.
    - `keep`: called with all that is needed to go on, after every chunk but the last; at the end of
      a stage that is the first step of the next.
    - `callbacks`: called after every chunk, after `report`; one that returns a sentence ends the training.

    Raises `NotFiniteError`, a `FloatingPointError`, at the first loss that is not finite, and `TypeError`
    or `ValueError` for arguments that are not what they need to be, or do not go together.
    """
    _check_arguments(problem, network, estimator, training, held_out, start)
    check_call("train", key, report=report, keep=keep)
    check(problem, training)
    check_residuals(problem, estimator)
    _, rebuild = split(problem, network)
    objective = Objective(problem, rebuild, estimator, training)
    snapshot = start_of(problem, network, training) if start is None else start
    stages = training.gentler(snapshot.place.retreats).stages
    meter = Meter(objective, held_out, training.total_steps, report, tuple(callbacks))
    with one_thread(), jax.default_matmul_precision(training.matmul_precision):
        while True:
            number = snapshot.place.stage
            stage, stage_key = stages[number], jax.random.fold_in(key, number)
            snapshot, progress, stopped = _run(stage, objective, snapshot, meter, keep, key=stage_key)
            if stopped or number == len(stages) - 1:
                found, ended = rebuild(snapshot.params), objective.with_states(snapshot.state[1])
                return Trained(found.network, progress, found.parameters, ended, snapshot.params, stopped)
            snapshot = snapshot.begin(stages[number + 1])
            keep(snapshot)


def one_thread() -> AbstractContextManager[object]:
    """Within it, LAPACK, which JAX calls on a CPU, computes in one thread.

    Its threads wait for each other in a loop: beside any other work on the machine a step of
    Gauss-Newton takes up to twenty times as long, and alone they gain nothing at its sizes.
    """
    return threadpool_limits(limits=1, user_api="blas")


def check(problem: Problem, training: Training) -> None:
    """Raises `ValueError` for settings that the problem gives no meaning."""
    for weighting in training.weightings:
        if weighting.needs_time and problem.time is None:
            name = type(weighting).__name__.lower()
            raise ValueError(f"`{name}` needs a problem in time, and this one has none; leave it out.")
    if training.gpinn_weight > 0 and not problem.conditions[0].differentiable:  # the equation
        raise ValueError(
            "`gpinn_weight` needs derivatives of the residual, which this problem's ansatz does not "
            "have; leave it out, or choose another ansatz where the problem has an option for it."
        )


def _check_arguments(
    problem: Any, network: Any, estimator: Any, training: Any, held_out: Any, start: Any
) -> None:
    kinds = {
        "problem": (problem, Problem),
        "estimator": (estimator, stde.AbstractEstimator),
        "training": (training, Training),
    }
    kinds |= {} if held_out is None else {"held_out": (held_out, HeldOut)}
    check_kinds("train", kinds if start is None else kinds | {"start": (start, Snapshot)})
    check_network(problem, network)
    if held_out is not None:
        check_points(problem, held_out.points)


def _run(
    stage: AbstractStage,
    objective: Objective,
    start: Snapshot,
    meter: Meter,
    keep: Callable[[Snapshot], None],
    *,
    key: PRNGKeyArray,
) -> tuple[Snapshot, Progress, str | None]:
    """All steps of a stage that are left, or as many as the callbacks let it make."""
    place, params, state = start.place, start.params, start.state
    advance = compile_chunk(stage, objective, params, state, key=key)
    while True:
        before, length = place, chunk_length(start.place, place, stage.steps)
        began = time.perf_counter()
        params, state, loss, made, finite = jax.block_until_ready(advance(params, state, place.step, length))
        place = place.after(int(made), time.perf_counter() - began)
        if not finite:
            key = jax.random.fold_in(key, place.step)
            raise not_finite(stage, objective.with_states(state[1]), params, place, key=key)
        ends = place.step == stage.steps
        stop = meter(Stop(stage, params, state[1], key), before, place, float(loss) / length)
        if ends or stop.reason:
            return Snapshot(place, params, state), stop.progress, stop.reason
        keep(Snapshot(place, params, state))


Carry = tuple[Any, Any, Float[Array, ""], Int[Array, ""], Bool[Array, ""]]
Advance = Callable[[Any, Any, int, int], Carry]


def chunk_length(began: Place, place: Place, steps: int) -> int:
    """How many of a stage's steps to make at once, for about a second at the pace since it `began`.

    A power of two that divides the step, or what is left: runs of all speeds stop at the same
    steps, but for those that a faster one passes over.
    """
    spent = place.seconds - began.seconds
    wanted = max(1, int((place.step - began.step) / spent * _SECONDS)) if spent else 1
    aligned = place.step & -place.step or 1
    return min(1 << (wanted.bit_length() - 1), aligned, steps - place.step)


def compile_chunk(
    stage: AbstractStage, objective: Objective, params: Any, state: Any, *, key: PRNGKeyArray
) -> Advance:
    """A compiled function of parameters, state, step and length that reuses their memory.

    The state is that of the optimiser and those of the weightings. It returns parameters, state, the sum of
    the losses, how many steps were made, and whether all is finite. At a loss that is not finite it stops,
    with the parameters that have it.
    """
    one_step = stepper(stage, objective, key=key)

    def guarded(carry: Carry) -> Carry:
        old, old_state, total, step, _ = carry
        new, new_state, loss = one_step(old, old_state, step)
        finite = jnp.isfinite(loss)
        params, state = jax.tree.map(partial(jnp.where, finite), (new, new_state), (old, old_state))
        return params, state, total + loss, step + finite, finite

    @partial(jax.jit, donate_argnums=(0, 1))
    def advance(params: Any, state: Any, step: Array, length: Array) -> Carry:
        # A loop of traced length compiles once for chunks of any size.
        end = step + length
        start = (params, state, jnp.zeros(()), step, jnp.ones((), bool))
        params, state, total, reached, finite = jax.lax.while_loop(
            lambda carry: carry[4] & (carry[3] < end), guarded, start
        )
        return params, state, total, reached - step, finite & jnp.isfinite(optax.tree.norm(params))

    return advance.lower(params, state, 0, 1).compile()


def stepper(
    stage: AbstractStage, objective: Objective, *, key: PRNGKeyArray
) -> Callable[[Any, Any, Any], Any]:
    """One step as a function of parameters, state and number: new parameters, new state, the loss before."""

    def one_step(params: Any, state: Any, index: Array) -> tuple[Any, Any, Array]:
        own, states = state
        states = objective.with_states(states).refreshed(params, index, stage.batch, key=key)
        params, own, loss = stage.step(objective.with_states(states), params, own, index, key=key)
        return params, (own, states), loss

    return one_step
