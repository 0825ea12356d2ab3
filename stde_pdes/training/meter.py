"""What is told of a training while it goes on, and who may end it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..optimisers import AbstractStage
from .errors import Errors, HeldOut, measure
from .objective import Objective
from .snapshot import Place

_MEASUREMENTS = 20
# Held-out points of a residual: their key is far from any number that a step folds into its own.
_HELD_OUT = 2**31 - 2


@dataclass(frozen=True)
class Progress:
    """The state of a run after `step` steps.

    - `stage`: the name of the optimiser at work.
    - `loss`: the last chunk's mean loss.
    - `losses`: its terms by condition, at fresh points, where there is more than one.
    - `parameters`: the problem's, as they are now.
    - `errors`: where they were measured.
    """

    step: int
    loss: float
    seconds: float
    steps_per_second: float
    errors: Errors | None = None
    losses: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    held_out: "Callable[[int], dict[str, float]] | None" = field(default=None, repr=False, compare=False)

    def held_out_losses(self, num_points: int = 1000) -> dict[str, float]:
        """The terms of the loss at `num_points` points per condition that are the same after every chunk.

        For callbacks: training sees them with probability 0. Cost: one evaluation of the loss.
        """
        assert self.held_out is not None
        return self.held_out(num_points)


@dataclass(frozen=True)
class Stop:
    """Where a chunk of steps has ended; with the progress there, and a reason to stop if there is one."""

    stage: AbstractStage
    params: Any
    states: Any
    key: PRNGKeyArray
    progress: Any = None
    reason: str | None = None


@dataclass(frozen=True)
class Meter:
    """Measures errors about 20 times in `total` steps, reports after every chunk, and asks the callbacks."""

    objective: Objective
    held_out: HeldOut | None
    total: int
    report: Callable[[Progress], None]
    callbacks: tuple[Callable[[Progress], str | None], ...]

    def __call__(self, stop: Stop, before: Place, after: Place, loss: float) -> Stop:
        """Takes up the steps from one place to another, with their mean loss."""
        passed, reached = (place.total * _MEASUREMENTS // self.total for place in (before, after))
        unknowns, due = self.objective.rebuild(stop.params), reached > passed
        errors = None
        if due and self.held_out is not None:
            errors = measure(self.objective.problem, unknowns.network, self.held_out)
        progress = Progress(
            step=after.total,
            loss=loss,
            seconds=after.seconds,
            steps_per_second=(after.total - before.total) / (after.seconds - before.seconds),
            errors=errors,
            losses=self._losses(stop, after, loss, due),
            parameters={
                name: np.asarray(value, float).tolist() for name, value in unknowns.parameters.items()
            },
            stage=type(stop.stage).__name__,
            held_out=lambda num_points: self._terms(stop, num_points, jax.random.key(_HELD_OUT)),
        )
        self.report(progress)
        reasons = [reason for callback in self.callbacks if (reason := callback(progress))]
        return Stop(stop.stage, stop.params, stop.states, stop.key, progress, reasons[0] if reasons else None)

    def _losses(self, stop: Stop, after: Place, loss: float, due: bool) -> dict[str, float]:
        names = [condition.name for condition in self.objective.problem.conditions]
        if len(names) == 1:
            return {names[0]: loss}
        key = jax.random.fold_in(jax.random.fold_in(stop.key, after.step), _HELD_OUT)
        return self._terms(stop, stop.stage.batch, key) if due else {}

    def _terms(self, stop: Stop, num_points: int, key: PRNGKeyArray) -> dict[str, float]:
        found = self._compiled(stop.params, stop.states, num_points, key)
        return {c.name: float(found[c.name]) for c in self.objective.problem.conditions}

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        def terms(params: Any, states: Any, num_points: int, key: PRNGKeyArray) -> Any:
            objective = self.objective.with_states(states)
            return objective.terms(params, objective.draw(params, num_points, key=key))

        return eqx.filter_jit(terms)


class EarlyStopping:
    """A callback that ends a training whose loss at held-out points has not fallen for a while.

    `EarlyStopping(patience=500, least=1e-2)` ends it once for `patience` steps the loss has not fallen by the
    share `least` below the lowest so far; it is measured at `num_points` points per condition. A run that is
    resumed begins to count anew.
    """

    def __init__(self, patience: int = 1000, least: float = 1e-2, num_points: int = 1000):
        self.patience, self.least, self.num_points = patience, least, num_points
        self.lowest, self.since = float("inf"), 0

    def __call__(self, progress: Progress) -> str | None:
        loss = sum(progress.held_out_losses(self.num_points).values())
        if loss < (1 - self.least) * self.lowest:
            self.lowest, self.since = loss, progress.step
        if progress.step - self.since < self.patience:
            return None
        return (
            f"the held-out loss has not fallen below {self.lowest:.3g} for {progress.step - self.since} steps"
        )
