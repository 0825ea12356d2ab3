"""What came of the runs of one command, as a row."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stde_pdes.training import beats_affine

from ._accuracy_cases import Aim, Case, Published
from ._outcome import Status
from ._solve import Run, Solved


@dataclass(frozen=True)
class FullRun:
    """One run at full length, or why there is none.

    - `relative_l2`: over the domain, None where the solution is known at the origin only;
      `relative_error_origin`: None where the problem has no such point.
    - `parameters`: how many numbers were trained.
    - `older`: whether older sources of stde made it.
    """

    status: Status
    reason: str
    seed: int
    steps: int
    relative_l2: float | None
    relative_error_origin: float | None
    seconds: float | None
    steps_per_second: float | None
    parameters: int | None
    estimator: str | None
    date: str
    older: bool


@dataclass(frozen=True)
class Spread:
    """One error over seeds."""

    values: tuple[float, ...]
    mean: float
    least: float
    most: float


@dataclass(frozen=True)
class ShortRuns:
    """Runs of a fifth of the steps with several seeds; `failures` says why some have no error.

    - `older`: whether older sources of stde made any of them.
    """

    steps: int
    seeds: tuple[int, ...]
    relative_l2: Spread | None
    relative_error_origin: Spread | None
    older: bool
    failures: tuple[str, ...]


@dataclass(frozen=True)
class AccuracyRow:
    """One command: its errors beside its aims and what is published.

    - `trivial_relative_l2`, `affine_relative_l2`: the errors of the best trivial solution, and of the best
      affine network; `better_than_affine`: whether the full run's is smaller.
    - `aim_relative_l2`, `aim_relative_error_origin`: what the errors should not pass.
    - `reached`: whether the full run did as it should; None without an aim, or without a full run.
    """

    command: str
    problem: str
    dim: int | None
    time: bool
    trivial_relative_l2: float | None
    affine_relative_l2: float | None
    better_than_affine: bool | None
    aim_relative_l2: float | None
    aim_relative_error_origin: float | None
    reached: bool | None
    full: FullRun | None
    short: ShortRuns | None
    published: Published | None


def accuracy_row(
    case: Case,
    meaning: dict[str, Any],
    full: Sequence[tuple[Run, Solved]],
    short: Sequence[tuple[Run, Solved]],
    affine: float | None,
) -> AccuracyRow:
    """The row of a command, with what came of its run at full length, if any, and of its short runs.

    `affine`: the error of the best affine network, where it is known.
    """
    one = _full(*full[0]) if full else None
    results = [solved.result for _, solved in (*full, *short)]
    trivial = next((result["trivial_relative_l2"] for result in results if result), None)
    aim = case.aim.over_domain(trivial, affine)
    return AccuracyRow(
        command=case.command,
        problem=case.problem,
        dim=meaning.get("dim"),
        time=meaning.get("time", False),
        trivial_relative_l2=trivial,
        affine_relative_l2=affine,
        better_than_affine=_better(one, affine),
        aim_relative_l2=aim,
        aim_relative_error_origin=case.aim.origin,
        reached=_reached(one, aim, case.aim) if one and one.status != "not run" else None,
        full=one,
        short=_short(short) if short else None,
        published=case.published,
    )


def _full(run: Run, solved: Solved) -> FullRun:
    result = solved.result
    return FullRun(
        status=solved.status,
        reason=solved.reason,
        seed=run.seed,
        steps=run.steps,
        relative_l2=result.get("relative_l2"),
        relative_error_origin=result.get("relative_error_origin"),
        seconds=result.get("seconds"),
        steps_per_second=result.get("steps_per_second"),
        parameters=result.get("parameters"),
        estimator=result.get("estimator"),
        date=solved.date,
        older=solved.older,
    )


def _better(run: FullRun | None, affine: float | None) -> bool | None:
    """Whether a run beats an affine network; None where either error is unknown."""
    if run is None or run.relative_l2 is None or affine is None:
        return None
    return beats_affine(run.relative_l2, affine)


def _reached(run: FullRun, over_domain: float | None, aim: Aim) -> bool | None:
    """Whether the errors that are known are within their aims; None where none has one."""
    pairs = [(run.relative_l2, over_domain), (run.relative_error_origin, aim.origin)]
    if run.status != "ok":
        return False if aim != Aim() else None
    judged = [value <= limit for value, limit in pairs if value is not None and limit is not None]
    return all(judged) if judged else None


def _short(runs: Sequence[tuple[Run, Solved]]) -> ShortRuns:
    good = [solved for _, solved in runs if solved.status == "ok"]
    return ShortRuns(
        steps=runs[0][0].steps,
        seeds=tuple(run.seed for run, _ in runs),
        relative_l2=_spread([solved.result["relative_l2"] for solved in good]),
        relative_error_origin=_spread([solved.result.get("relative_error_origin") for solved in good]),
        older=any(solved.older for solved in good),
        failures=tuple(f"seed {run.seed} {solved}" for run, solved in runs if solved.status != "ok"),
    )


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(tuple(known), statistics.fmean(known), min(known), max(known))
