"""The training loop: one optimiser after the other, with progress and snapshots in between."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import PRNGKeyArray

import stde_core as stde

from .._held_out import HeldOut
from .._problem import AbstractProblem
from .._settings import Training
from ..optimisers import AbstractStage
from ._arguments import check_call, check_kinds, check_network, check_points
from ._blas import one_thread
from ._chunk import chunk_length, compile_chunk
from ._meter import Meter, Progress
from ._not_finite import not_finite
from ._objective import Objective
from ._snapshot import Snapshot, split, start_of


@dataclass(frozen=True)
class Trained:
    """A trained network, with the progress at its last step."""

    network: Any
    progress: Progress


def train(
    problem: AbstractProblem,
    network: Any,
    estimator: stde.AbstractEstimator,
    training: Training,
    held_out: HeldOut,
    *,
    key: PRNGKeyArray,
    start: Snapshot | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    keep: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Trained:
    """Trains `network` inside the problem's ansatz, by one stage of `training` after the other.

    Step i of stage s draws its points and tangents from `fold_in(fold_in(key, s), i)`: a training
    that goes on from a snapshot comes to the same numbers as one that was never stopped.

    - `start`: where to go on, from a training with the same arguments; None for the beginning. Its
      memory is reused.
    - `report`: called after every chunk of steps, of about a second; errors are measured about 20
      times, and after the last step.
    - `keep`: called with all that is needed to go on, after every chunk but the last; at the end of
      a stage that is the first step of the next.

    Raises `NotFiniteError`, a `FloatingPointError`, at the first loss that is not finite, and `TypeError`
    or `ValueError` for arguments that are not what they need to be, or do not go together.
    """
    _check_arguments(problem, network, estimator, training, held_out, start)
    check_call("train", key, report=report, keep=keep)
    check(problem, training)
    _, rebuild = split(network)
    objective = Objective(problem, lambda params: problem.ansatz(rebuild(params)), estimator, training)
    loop = _Loop(objective, rebuild, Meter(problem, held_out, training.total_steps, report), keep)
    snapshot = start_of(network, training) if start is None else start
    stages = training.stages(snapshot.place.retreats)
    with one_thread(), jax.default_matmul_precision(training.matmul_precision):
        while True:
            number = snapshot.place.stage
            snapshot, progress = loop.run(stages[number], snapshot, key=jax.random.fold_in(key, number))
            if snapshot.place.stage == len(stages) - 1:
                return Trained(rebuild(snapshot.params), progress)
            snapshot = snapshot.begin(stages[number + 1])
            keep(snapshot)


def check(problem: AbstractProblem, training: Training) -> None:
    """Raises `ValueError` for settings that the problem gives no meaning."""
    if training.causal is not None and problem.time_arrow == 0:
        raise ValueError("`causal` needs a problem in time, and this one has none; leave it out.")
    if training.gpinn_weight > 0 and not problem.conditions[0].differentiable:  # the equation
        raise ValueError(
            "`gpinn_weight` needs derivatives of the residual, which this problem's ansatz does not "
            "have; leave it out, or choose another ansatz where the problem has an option for it."
        )


def _check_arguments(
    problem: Any, network: Any, estimator: Any, training: Any, held_out: Any, start: Any
) -> None:
    kinds = {
        "problem": (problem, AbstractProblem),
        "estimator": (estimator, stde.AbstractEstimator),
        "training": (training, Training),
        "held_out": (held_out, HeldOut),
    }
    check_kinds("train", kinds if start is None else kinds | {"start": (start, Snapshot)})
    check_network(problem, network)
    check_points(problem, held_out.points)


@dataclass(frozen=True)
class _Loop:
    objective: Objective
    rebuild: Callable[[Any], Any]
    meter: Meter
    keep: Callable[[Snapshot], None]

    def run(self, stage: AbstractStage, start: Snapshot, *, key: PRNGKeyArray) -> tuple[Snapshot, Progress]:
        """All steps of a stage that are left."""
        place, params, state = start.place, start.params, start.state
        advance = compile_chunk(stage, self.objective, params, state, key=key)
        while True:
            before, length = place, chunk_length(start.place, place, stage.steps)
            began = time.perf_counter()
            params, state, loss, made, finite = jax.block_until_ready(
                advance(params, state, place.step, length)
            )
            place = place.after(int(made), time.perf_counter() - began)
            if not finite:
                key = jax.random.fold_in(key, place.step)
                raise not_finite(stage, self.objective, params, place, key=key)
            progress = self.meter(self.rebuild(params), before, place, float(loss) / length)
            if place.step == stage.steps:
                return Snapshot(place, params, state), progress
            self.keep(Snapshot(place, params, state))
