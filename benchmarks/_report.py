"""What a bench found: medians over repeats, and ratios to a reference within one run."""

import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from ._outcome import Outcome, Status
from ._task import Task

_MEASURED = ("seconds", "trace_seconds", "compile_seconds", "peak_memory_mb", "loss")


@dataclasses.dataclass(frozen=True)
class Row:
    """One method in one case: medians over its repeats, or why there are none.

    - `case`: what it was compared in, such as `{"dim": 100}`; `note`: what to know about it.
    - `status`: "ok", or "out of memory", "out of time" or "failed", with a `reason`.
    - `seconds`: of one call, a training step or a loss and its gradient.
    - `ratios`: seconds, memory, and tracing with compilation, each over the reference's.
    - `outcomes`: every repeat.
    """

    case: dict[str, Any]
    method: str
    note: str
    status: Status
    reason: str
    seconds: float | None
    trace_seconds: float | None
    compile_seconds: float | None
    peak_memory_mb: float | None
    loss: float | None
    ratios: dict[str, float] | None
    outcomes: tuple[Outcome, ...]

    @property
    def preparation_seconds(self) -> float | None:
        """Tracing and compiling."""
        if self.trace_seconds is None or self.compile_seconds is None:
            return None
        return self.trace_seconds + self.compile_seconds


@dataclasses.dataclass(frozen=True)
class Report:
    """A whole bench.

    - `name`: "step" or "operators"; `title`, `settings`: what was measured, enough to repeat it.
    - `environment`: command, date, versions, device, precision and cores.
    - `reference`: the method that ratios refer to.
    - `left_out`: methods that could not take part, with the cause.
    """

    name: str
    title: str
    settings: dict[str, Any]
    environment: dict[str, Any]
    reference: str
    left_out: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> str:
        """The report as text that `json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=2, default=str)


def summarise(measured: Iterable[tuple[Task, Sequence[Outcome]]], reference: str) -> tuple[Row, ...]:
    """A row for each task that has outcomes, with ratios to the reference method of its case."""
    rows = [_row(task, tuple(outcomes)) for task, outcomes in measured if outcomes]

    def ratios(row: Row) -> dict[str, float] | None:
        same = (r for r in rows if (r.case, r.method, r.status) == (row.case, reference, "ok"))
        return _ratios(row, next(same, None))

    return tuple(dataclasses.replace(row, ratios=ratios(row)) for row in rows)


def _row(task: Task, outcomes: tuple[Outcome, ...]) -> Row:
    bad = [outcome for outcome in outcomes if outcome.status != "ok"]
    status, reason = (bad[0].status, bad[0].reason) if bad else ("ok", "")
    medians = {name: None if bad else _median(outcomes, name) for name in _MEASURED}
    return Row(task.case, task.method, task.note, status, reason, **medians, ratios=None, outcomes=outcomes)


def _median(outcomes: Sequence[Outcome], name: str) -> float | None:
    values = [getattr(outcome, name) for outcome in outcomes]
    return None if None in values else statistics.median(values)


def _ratios(row: Row, reference: Row | None) -> dict[str, float] | None:
    if row.status != "ok" or reference is None:
        return None
    names = ("seconds", "peak_memory_mb", "preparation_seconds")
    return {name: getattr(row, name) / getattr(reference, name) for name in names if getattr(reference, name)}
