"""All measurements of a bench: the methods of a case in turn, again and again, a process each."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

from stde_core import check_count

from ._outcome import Outcome
from ._processes import Limits, ask
from ._task import Task


def check_positive(name: str, value: float) -> None:
    """Raises `ValueError` unless a number is positive and finite."""
    if not 0 < value < float("inf"):
        raise ValueError(f"`{name}` needs to be a positive number, got {value!r}.")


@dataclasses.dataclass(frozen=True)
class Budget:
    """How often and how long each method is measured, and what its process may take.

    - `repeats`: processes per method; `seconds`: of timed calls in each.
    - `memory_limit`: GB, None for nine tenths of what the machine has; `time_limit`: seconds of a
      process from its start to its end.
    """

    repeats: int
    seconds: float
    memory_limit: float | None
    time_limit: float

    def __post_init__(self) -> None:
        check_count("repeats", self.repeats)
        check_positive("seconds", self.seconds)
        check_positive("time_limit", self.time_limit)
        if self.memory_limit is not None:
            check_positive("memory_limit", self.memory_limit)

    @property
    def limits(self) -> Limits:
        """The limits on each process."""
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        memory = 0.9 * machine if self.memory_limit is None else self.memory_limit
        return Limits(self.time_limit, 1e3 * memory)


@dataclasses.dataclass(frozen=True)
class Event:
    """A process that begins, or that has `ended` as the text says: number `position` of `total`."""

    position: int
    total: int
    what: str
    ended: str | None = None


def check(command: str, tasks: Sequence[Task]) -> tuple[dict[str, Any], list[str | None]]:
    """The environment of the processes, and for each task a sentence if it cannot be done.

    In a process of its own, so that the caller's own does not take hold of an accelerator.
    Raises `RuntimeError` where that process fails.
    """
    answer = ask({"command": command, "check": [dataclasses.asdict(task) for task in tasks]}, Limits())
    if isinstance(answer, Outcome):
        raise RuntimeError(f"The first process of `python -m benchmarks` {answer.reason}")
    return answer["environment"], answer["refusals"]


def measure(
    command: str,
    cases: Sequence[Sequence[Task]],
    budget: Budget,
    report: Callable[[Event], None],
    record: Callable[[Task, Outcome], None],
) -> None:
    """Measures every task; within a case the methods alternate, so that all see the same machine.

    A task that failed, or ran out of memory or time, is not tried again. `record` gets each
    outcome, `report` what goes on.
    """
    total, position = budget.repeats * sum(map(len, cases)), 0
    for case in cases:
        given_up: set[str] = set()
        for repeat in range(budget.repeats):
            for task in case:
                position += 1
                if task.method in given_up:
                    continue
                label = ", ".join(f"{name} {value}" for name, value in task.case.items())
                what = f"{label}, {task.method}, repeat {repeat + 1}"
                report(Event(position, total, what))
                outcome = _measure_once(command, task, budget)
                if outcome.status != "ok":
                    given_up.add(task.method)
                record(task, outcome)
                report(Event(position, total, what, str(outcome)))


def _measure_once(command: str, task: Task, budget: Budget) -> Outcome:
    request = {
        "command": command,
        "task": dataclasses.asdict(task),
        "seconds": budget.seconds,
        "memory_limit_mb": budget.limits.memory_mb,
    }
    answer = ask(request, budget.limits)
    return answer if isinstance(answer, Outcome) else Outcome(**answer)
