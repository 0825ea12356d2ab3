"""From tasks to a report."""

import dataclasses
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stde_core.checks import unknown_name

from . import _output
from ._outcome import Outcome
from ._report import Report, summarise
from ._schedule import Budget, Event, check, measure
from ._task import Task

OURS = "stde"


@dataclasses.dataclass(frozen=True)
class Question:
    """What is measured: `cases` hold the tasks that are compared with each other.

    `named` says that the caller named the methods, so that none may be left out.
    """

    name: str
    title: str
    settings: dict[str, Any]
    cases: Sequence[Sequence[Task]]
    named: bool


def answer(
    question: Question,
    budget: Budget,
    reference: str,
    out: str | Path | None,
    report: Callable[[Event], None],
) -> Report:
    """Measures everything, and writes it to the directory `out`, if given, as it goes on.

    Raises `ValueError` for methods that cannot do what they are asked, before anything is timed.
    """
    directory = None if out is None else _output.claim(out, question.name)
    tasks = [task for case in question.cases for task in case]
    found, refusals = check(question.name, tasks)
    left_out = {task: reason for task, reason in zip(tasks, refusals, strict=True) if reason}
    for task, reason in left_out.items():
        if question.named or task.method == OURS:
            raise ValueError(reason)
    cases = [[task for task in case if task not in left_out] for case in question.cases]
    outcomes: dict[Task, list[Outcome]] = {task: [] for case in cases for task in case}

    def so_far() -> Report:
        return Report(
            name=question.name,
            title=question.title,
            settings=question.settings | dataclasses.asdict(budget),
            environment=found | origin(),
            reference=reference,
            left_out=tuple(dict.fromkeys(left_out.values())),
            rows=summarise(outcomes.items(), reference),
        )

    def record(task: Task, outcome: Outcome) -> None:
        outcomes[task].append(outcome)
        if directory is not None:
            _output.write_json(so_far(), directory)

    measure(question.name, cases, budget, report, record)
    if directory is not None:
        _output.write(so_far(), directory)
    return so_far()


def choose(what: str, asked: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """What was asked for, in the order of what there is; everything where nothing was.

    Raises `ValueError` for a name that does not exist.
    """
    if asked is None:
        return tuple(known)
    for name in asked:
        if name not in known:
            raise ValueError(unknown_name(what, name, known))
    return tuple(name for name in known if name in asked)


def silent(event: Event) -> None:
    """Shows nothing of an event."""


def origin() -> dict[str, str]:
    """The command that is being carried out, and when."""
    command = shlex.join(["python", *sys.orig_argv[1:]])
    return {"command": command, "date": time.strftime("%Y-%m-%d %H:%M %z")}
