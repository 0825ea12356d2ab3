"""`python -m benchmarks accuracy`: the errors that `stde solve` reaches, beside what they should be."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from stde_core import check_choice
from stde_core.plugins import registry

from ._accuracy_cases import CASES, Case
from ._accuracy_page import markdown
from ._accuracy_rows import AccuracyRow, accuracy_row
from ._affine import affine_errors
from ._bench import choose, origin, silent
from ._findings import Findings
from ._runs import ask_meanings, solve_all
from ._schedule import Event, check_positive
from ._solve import Run, Solved
from ._store import open_store

_SEED = 0
_SHORT_SEEDS = (0, 1, 2)
_SHORT_SHARE = 1 / 5


def accuracy(
    problems: Sequence[str] | None = None,
    *,
    only: Literal["full", "short"] | None = None,
    steps_scale: float = 1.0,
    time_limit: float = 1800.0,
    again: bool = False,
    finished: bool = False,
    out: str | Path = "runs/accuracy",
    table: str | Path | None = None,
    report: Callable[[Event], None] = silent,
) -> Findings:
    """Solves problems by their defaults, as `python -m benchmarks accuracy` does: errors beside aims.

    Every command of `_accuracy_cases.py` is run once at full length with seed 0, and with seeds 0, 1
    and 2 at a fifth of the steps, one run after the other, each in a fresh process.

    - `problems`: registered names; by default all of the distribution stde.
    - `only`: the runs at full length, or the short ones.
    - `steps_scale`: a factor on all numbers of steps.
    - `time_limit`: seconds per run. A run that passes it, or fails, is a row that says so.
    - `out`: a directory for `accuracy.json` and the finished runs. A run that is there, made with the same
      settings, versions and device, is not made `again` unless asked for, but marked where older sources
      made it; with `finished` nothing else is.
    - `table`: a file for the results as a page of Markdown; `report` gets the progress.

    Raises `ValueError` for names and numbers that cannot be, before anything is run.
    """
    cases, left_out = _cases(problems)
    if only is not None:
        check_choice("only", only, ("full", "short"))
    check_positive("steps_scale", steps_scale)
    check_positive("time_limit", time_limit)
    page = None if table is None else _writable(Path(table))
    store = open_store(out)
    meanings = ask_meanings([case.command for case in cases])
    full = {case: [meanings.run(case.command, steps_scale, _SEED)] for case in cases if only != "short"}
    short = {
        case: [meanings.run(case.command, _SHORT_SHARE * steps_scale, seed) for seed in _SHORT_SEEDS]
        for case in cases
        if only != "full"
    }
    runs = [run for case in cases for run in (*full.get(case, ()), *short.get(case, ()))]
    solved = solve_all(list(dict.fromkeys(runs)), meanings, store, time_limit, again, finished, report)
    affine = affine_errors(solved, meanings, store.directory, time_limit, finished, report)

    def outcomes(runs: Sequence[Run]) -> list[tuple[Run, Solved]]:
        return [(run, solved[run]) for run in runs]

    def row(case: Case) -> AccuracyRow:
        meaning = meanings.by_command[case.command]
        runs = outcomes(full.get(case, ())), outcomes(short.get(case, ()))
        return accuracy_row(case, meaning, *runs, affine.get(case.command))

    findings = Findings(
        name="accuracy",
        title="Accuracy of `stde solve`",
        settings={"only": only, "steps_scale": steps_scale, "time_limit": time_limit},
        environment=meanings.environment | origin(),
        left_out=left_out,
        rows=tuple(map(row, cases)),
    )
    findings.write_json(store.directory)
    if page is not None:
        page.write_text(markdown(findings), encoding="utf-8")
    return findings


def _cases(asked: Sequence[str] | None) -> tuple[list[Case], tuple[str, ...]]:
    """The cases of the problems asked for, in their order, and what is left out."""
    known = registry().names("problems")
    own = [name for name in known if registry().entry("problems", name).plugin.distribution == "stde"]
    chosen = choose("problem", asked, known) if asked else own
    listed = [case for case in CASES if case.problem in chosen]
    others = [Case(name) for name in chosen if name not in {case.problem for case in listed}]
    missing = dict.fromkeys(case.problem for case in CASES if case.problem not in known)
    return listed + others, () if asked else tuple(f"`{name}` is not installed." for name in missing)


def _writable(path: Path) -> Path:
    """The path of a file. Raises `ValueError` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise ValueError(
            f"`--table {path}` cannot be written ({error.strerror}); name a file that can."
        ) from error
    return path
