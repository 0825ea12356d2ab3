"""The errors of affine networks beside those of runs, which older runs do not say themselves."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stde_pdes.training import affine_relative_l2, hold_out

from ._meaning import setup_of
from ._outcome import Outcome
from ._processes import Limits, ask
from ._runs import Meanings
from ._schedule import Event
from ._solve import Run, Solved

_FILE = "affine.json"


def affine_error(command: str) -> dict[str, float | None]:
    """The error of the best affine network in the problem, and on the test points, of a command."""
    setup = setup_of(command)
    held_out = hold_out(setup.problem, setup.training.test_points)
    return {"affine_relative_l2": affine_relative_l2(setup.problem, held_out)}


def affine_errors(
    solved: Mapping[Run, Solved],
    meanings: Meanings,
    directory: Path,
    time_limit: float,
    finished: bool,
    report: Callable[[Event], None],
) -> dict[str, float | None]:
    """The errors of the best affine networks, by command of the runs that ended well; absent where unknown.

    From the run's own result, or else from `affine.json` in the directory. What is not there is computed, in
    a process for each problem, and put there; with `finished` it is left out.
    """
    errors: dict[str, float | None] = {}
    known = _read(directory / _FILE)
    for run, outcome in solved.items():
        if run.command in errors or outcome.status != "ok":
            continue
        if "affine_relative_l2" in outcome.result:
            errors[run.command] = outcome.result["affine_relative_l2"]
            continue
        problem = _problem(meanings.by_command[run.command]["settings"])
        found = next((entry for entry in known if entry.items() >= problem.items()), None)
        if found is None and not finished:
            found = _computed(run.command, problem, time_limit, report)
            if found is not None:
                known.append(found)
                (directory / _FILE).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        if found is not None:
            errors[run.command] = found["affine_relative_l2"]
    return errors


def _problem(settings: dict[str, Any]) -> dict[str, Any]:
    """All that determines the number; plain, as it comes back from a file."""
    names = ("problem", "problem_fields", "precision")
    points = {"test_points": settings["training"]["test_points"]}
    return json.loads(json.dumps({name: settings[name] for name in names} | points, default=repr))


def _computed(
    command: str, problem: dict[str, Any], time_limit: float, report: Callable[[Event], None]
) -> dict[str, Any] | None:
    what = f"affine network of {command}"
    report(Event(1, 1, what))
    answer = ask({"affine": command}, Limits(seconds=time_limit))
    report(Event(1, 1, what, str(answer) if isinstance(answer, Outcome) else "done"))
    return None if isinstance(answer, Outcome) else {"command": command} | problem | answer


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what is no such file counts as none
        return []
