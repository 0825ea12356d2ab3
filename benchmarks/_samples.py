"""`python -m benchmarks samples`: how many random directions to take, by which method."""

from collections.abc import Callable, Sequence
from pathlib import Path

from stde_core import check_count
from stde_core.plugins import registry

from ._affine import affine_errors
from ._bench import choose, origin, silent
from ._findings import Findings
from ._runs import ask_meanings, solve_all
from ._samples_figure import draw_samples
from ._samples_page import markdown
from ._samples_rows import SamplesCase, samples_row
from ._schedule import Event, check_positive
from ._solve import Run
from ._store import open_store

PROBLEMS = ("allen-cahn-two-body", "poisson-two-body", "sine-gordon-two-body")
ESTIMATORS = ("stde", "sdgd", "hutchinson")
TANGENTS = ("per-point", "shared")
SAMPLES = (1, 4, 16, 64, 100, 256)


def samples(
    samples: Sequence[int] = SAMPLES,
    problems: Sequence[str] | None = None,
    estimators: Sequence[str] = ESTIMATORS,
    tangents: Sequence[str] = TANGENTS,
    *,
    dim: int = 1000,
    steps: int = 2000,
    seed: int = 0,
    time_limit: float = 1800.0,
    again: bool = False,
    finished: bool = False,
    out: str | Path = "runs/samples",
    report: Callable[[Event], None] = silent,
) -> Findings:
    """Error, residual loss, speed and time to convergence over the number of samples per point.

    The ablation of the randomisation batch of STDE (Fig. 5). Deviations: in 1000 dimensions by default
    rather than 100 000, beside other estimators, with tangents per point and shared by all points of a
    step, a fixed number of steps, and convergence by the error rather than by its changes. The
    first problem is solved by every estimator with all `tangents`, the others by the first of each.
    One run after the other, each in a fresh process, by one stage of Adam.

    - `samples`: numbers of draws per point.
    - `problems`: registered names that take a dimension; by default the two-body problems of stde.
    - `tangents`: "per-point", "shared", or both.
    - `dim`, `steps`, `seed`: of every run; `time_limit`: seconds per run. A run that passes it, or
      fails, is a row that says so.
    - `out`: a directory for `samples.json`, `samples.md`, `samples.png` and the finished runs. A run that is
      there, made with the same settings, versions and device, is not made `again` unless asked for, but
      marked where older sources made it; with `finished` nothing else is.
    - `report` gets the progress.

    Raises `ValueError` for names and numbers that cannot be, before anything is run.
    """
    cases, left_out = _cases(samples, problems, estimators, tangents)
    check_count("dim", dim)
    check_count("steps", steps)
    check_count("seed", seed, least=0)
    check_positive("time_limit", time_limit)
    store = open_store(out)
    meanings = ask_meanings([case.command(dim) for case in cases])
    runs = {case: Run(case.command(dim), steps, seed) for case in cases}
    solved = solve_all(list(runs.values()), meanings, store, time_limit, again, finished, report)
    affine = affine_errors(solved, meanings, store.directory, time_limit, finished, report)
    findings = Findings(
        name="samples",
        title=f"Samples per point: {dim} dimensions, {steps} steps",
        settings={"dim": dim, "steps": steps, "seed": seed, "time_limit": time_limit},
        environment=meanings.environment | origin(),
        left_out=left_out,
        rows=tuple(
            samples_row(case, steps, solved[run], affine.get(run.command)) for case, run in runs.items()
        ),
    )
    findings.write_json(store.directory)
    (store.directory / "samples.md").write_text(markdown(findings), encoding="utf-8")
    draw_samples(findings, store.directory / "samples.png")
    return findings


def _cases(
    samples: Sequence[int],
    problems: Sequence[str] | None,
    estimators: Sequence[str],
    tangents: Sequence[str],
) -> tuple[list[SamplesCase], tuple[str, ...]]:
    """The first problem by every method, the others by the first; and what is left out."""
    known = registry().names("problems")
    names = [name for name in PROBLEMS if name in known] if problems is None else list(problems)
    choose("problem", names, known)
    choose("estimator", estimators, registry().names("estimators"))
    choose("choice of tangents", tangents, TANGENTS)
    for count in samples:
        check_count("samples", count)
    for name, given in {
        "samples": samples,
        "problems": names,
        "estimators": estimators,
        "tangents": tangents,
    }.items():
        if not given:
            raise ValueError(f"`{name}` is empty; name one at least.")
    methods = [(estimator, shared) for estimator in estimators for shared in tangents]
    lines = [(names[0], *method) for method in methods] + [(name, *methods[0]) for name in names[1:]]
    missing = [name for name in PROBLEMS if problems is None and name not in known]
    cases = [SamplesCase(*line, count) for line in dict.fromkeys(lines) for count in dict.fromkeys(samples)]
    return cases, tuple(f"`{name}` is not installed." for name in missing)
