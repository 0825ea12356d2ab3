"""What is told of a training while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._held_out import HeldOut
from .._problem import AbstractProblem
from ._errors import Errors, measure
from ._snapshot import Place

_MEASUREMENTS = 20


@dataclass(frozen=True)
class Progress:
    """The state of a run after `step` steps: the last chunk's mean loss, and the errors if measured."""

    step: int
    loss: float
    seconds: float
    steps_per_second: float
    errors: Errors | None = None


@dataclass(frozen=True)
class Meter:
    """Measures errors about 20 times in `total` steps, and reports after every chunk."""

    problem: AbstractProblem
    held_out: HeldOut
    total: int
    report: Callable[[Progress], None]

    def __call__(self, network: Any, before: Place, after: Place, loss: float) -> Progress:
        """Takes up the steps from one place to another, with their mean loss."""
        passed, reached = (place.total * _MEASUREMENTS // self.total for place in (before, after))
        errors = measure(self.problem, network, self.held_out) if reached > passed else None
        speed = (after.total - before.total) / (after.seconds - before.seconds)
        progress = Progress(after.total, loss, after.seconds, speed, errors)
        self.report(progress)
        return progress
