"""`python -m benchmarks accuracy` and `samples`: whole runs of `stde_pdes.solve`, a row for each."""

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

import stde_core as stde
import stde_pdes as pdes
from stde_core.plugins import registry

from .options import COUNT, COUNTS, JSON, NAMES, POSITIVE, SEED, show, with_options
from .rows import CASES, Row, append_row, file_of, origin, read_rows, writable
from .runner import Display, Limits, answered, ask, choose

SAMPLES: Mapping[str, Any] = CASES["samples"]
# Other versions of these give other numbers.
_DECISIVE = ("stde", "jax", "jaxlib", "equinox", "optax")
# Points of many coordinates, and a directory that is gone.
_LEFT_OUT = ("residuals", "out")


def in_words(case: Mapping[str, Any]) -> str:
    """What follows `stde solve`, such as `kdv -p solution=two-soliton`."""
    fields = dict(case.get("fields", {}))
    dim = [f"--dim {fields.pop('dim')}"] if "dim" in fields else []
    return " ".join([case["problem"], *dim, *(f"-p {name}={value}" for name, value in fields.items())])


def solve(
    problem: str,
    fields: dict[str, Any],
    seed: int,
    share: float = 1.0,
    steps: int | None = None,
    estimator: str | None = None,
    num_samples: int | None = None,
    tangents: str | None = None,
) -> Row:
    """One run of a problem by its defaults, in this process.

    - `share`: of its own steps, or else `steps`.
    - `estimator`, with `num_samples` and `tangents`: in place of its own, and its first stage of training
      alone.
    """
    pde = pdes.get_problem(problem, **fields)
    training, own = pde.training, None
    if estimator is not None:
        own = stde.get_estimator(estimator, num_samples=num_samples)
        training = dataclasses.replace(
            training, stages=training.stages[:1], shared_tangents=tangents == "shared"
        )
    steps = steps or max(1, round(share * training.total_steps))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = pdes.solve(
            pde, steps=steps, seed=seed, out=out, training=training, estimator=own, progress=False
        )
        lines, record = read_rows(out / "metrics.jsonl"), json.loads((out / "run.json").read_text("utf-8"))
    about = ("estimator", "estimator_fields", "model_name", "model", "training")
    return {
        **{name: value for name, value in run.result.items() if name not in _LEFT_OUT},
        "dim": pde.dim,
        "time": pde.time is not None,
        "steps": steps,
        "settings": {name: record[name] for name in about},
        "errors": [
            (line["seconds"], line["relative_l2"]) for line in lines if line.get("relative_l2") is not None
        ],
    }


def _solve_all(
    study: str, requests: Sequence[Row], out: str, time_limit: float, again: bool, finished: bool
) -> list[Row]:
    """The newest row of every request, in `STUDY.jsonl` of the directory `out`.

    What is not there, or has been made by other code or versions, or on another device, is made, each in a
    new process, and written at once; with `again` all is, and with `finished` nothing.
    """
    if again and finished:
        raise ValueError("`--finished` runs nothing, and `--again` everything; ask for one of them.")
    path = file_of(out, study)
    with Display(0 if finished else len(requests)) as display:
        display.begin("versions and device")
        here = {} if finished else answered(ask("benchmarks.rows:environment", {}))
        rows = read_rows(path)
        waiting = [] if finished else [one for one in requests if again or not _is_made(rows, one, here)]
        there = display.total - len(waiting)
        display.skip(there)
        if not finished:
            display.console.print(f"{there} runs are in {path}, {len(waiting) or 'none'} to do")
        for request in waiting:
            names = ("estimator", "num_samples", "tangents", "length", "seed")
            display.begin(
                ", ".join([request["solve"], *(f"{n} {request[n]}" for n in names if n in request)])
            )
            found = ask("benchmarks.sweep:solve", _arguments(request), Limits(time_limit))
            append_row(path, {"study": study} | origin() | here | found | request)
            display.end(_outcome(found))
    rows = read_rows(path)
    missing = {"study": study, "status": "not run", "reason": "a call without `--finished` runs it"}
    return [next((row for row in reversed(rows) if row.items() >= r.items()), missing | r) for r in requests]


def _arguments(request: Row) -> Row:
    """Of `solve`: a share of the steps where the length is named."""
    asked = {name: value for name, value in request.items() if name not in ("solve", "length", "steps_scale")}
    if "length" in request:
        asked["share"] = request["steps_scale"] * {"full": 1, "short": 1 / 5}[request["length"]]
    return asked


def _is_made(rows: Sequence[Row], request: Row, here: Row) -> bool:
    """Whether a run has been made with these settings, by this code and these versions, on this device."""
    wanted = request | {name: here[name] for name in ("sources", "device", "precision")} | {"status": "ok"}
    versions = {name: here["versions"][name] for name in _DECISIVE}
    return any(r.items() >= wanted.items() and r["versions"].items() >= versions.items() for r in rows)


def _outcome(found: Row) -> str:
    if found["status"] != "ok":
        return f"{found['status']} ({found['reason']})"
    names = ("relative_l2", "trivial_relative_l2", "affine_relative_l2")
    error, *simple = ("–" if found.get(name) is None else f"{found[name]:.1e}" for name in names)
    return f"error {error} (trivial {simple[0]}, affine {simple[1]}), {found['seconds']:.0f} s"


# --- the commands

_RESUMABLE = [
    click.option("--time-limit", type=POSITIVE, default=1800.0, help="Seconds per run."),
    click.option("--again", is_flag=True, help="Run also what is in DIR already."),
    click.option("--finished", is_flag=True, help="Run nothing: the table of what is in DIR already."),
    JSON,
]


@click.command(epilog=CASES["help"]["accuracy"])
@click.option("--problems", type=NAMES, metavar="NAMES", help="Those to solve.  [default: all of stde]")
@click.option(
    "--only", type=click.Choice(["full", "short"]), help="One seed at full length, or three short ones."
)
@click.option("--steps-scale", type=POSITIVE, default=1.0, help="A factor on all numbers of steps.")
@click.option("--out", metavar="DIR", default="runs/accuracy", help="For finished runs.")
@click.option("--table", metavar="FILE", help="Write the results as a page of Markdown.")
@with_options(_RESUMABLE)
def accuracy(
    problems: tuple[str, ...] | None,
    only: str | None,
    steps_scale: float,
    table: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Measure how well `stde solve` solves the problems by its defaults.

    Every problem, some with several options, is solved once at full length (seed 0), and at a fifth of the
    steps with seeds 0, 1 and 2, one run after the other. Errors stand beside those of the simplest models, an
    aim and what is published. Finished runs are kept: the same command goes on where it was interrupted, and
    makes anew only what other code, versions or another device made.
    """

    def rows() -> list[Row]:
        requests = [
            {"solve": in_words(case), "problem": case["problem"], "fields": case.get("fields", {})}
            | {"length": length, "steps_scale": steps_scale, "seed": seed}
            for case in _cases(problems)
            for length, seed in (("full", 0), ("short", 0), ("short", 1), ("short", 2))
            if only in (None, length)
        ]
        return _solve_all("accuracy", requests, **how)

    show(rows, as_json, None, None if table is None else writable(Path(table), "--table"))


def _cases(problems: tuple[str, ...] | None) -> list[Mapping[str, Any]]:
    known = registry().names("problems")
    own = [name for name in known if registry().entry("problems", name).plugin.distribution == "stde"]
    chosen = choose("problem", problems, known) if problems else own
    listed = [case for case in CASES["accuracy"] if case["problem"] in chosen]
    return listed + [{"problem": name} for name in chosen if name not in {case["problem"] for case in listed}]


@click.command(epilog=CASES["help"]["samples"])
@click.option("--samples", type=COUNTS, default=SAMPLES["samples"], help="Per point.")
@click.option("--problems", type=NAMES, metavar="NAMES", default=SAMPLES["problems"])
@click.option("--estimators", type=NAMES, metavar="NAMES", default=SAMPLES["estimators"])
@click.option("--tangents", type=NAMES, default=SAMPLES["tangents"])
@click.option("--dim", type=COUNT, default=1000, help="Space dimensions.")
@click.option("--steps", type=COUNT, default=2000, help="Optimiser steps.")
@SEED
@click.option("--out", metavar="DIR", default="runs/samples", help="For all results.")
@with_options(_RESUMABLE)
def samples(
    samples: tuple[int, ...], dim: int, steps: int, seed: int, out: str, as_json: bool, **asked: Any
) -> None:
    """Measure error and speed over the number of samples per point.

    The ablation of the randomisation batch of STDE (Fig. 5): error, residual loss, steps per second and time
    to convergence, but in 1000 dimensions by default rather than 100 000, and in a fixed number of steps. The
    first problem is solved by every estimator with tangents per point and shared, the others by the first
    estimator. Finished runs are kept, as those of `accuracy` are.
    """

    def rows() -> list[Row]:
        for what, field in (("problem", "problems"), ("estimator", "estimators")):
            choose(what, asked[field], registry().names(field))
        choose("choice of tangents", asked["tangents"], SAMPLES["tangents"])
        methods = [(estimator, shared) for estimator in asked["estimators"] for shared in asked["tangents"]]
        first, *others = asked["problems"]
        requests = [
            {"solve": f"{name} --dim {dim}", "problem": name, "fields": {"dim": dim}, "estimator": estimator}
            | {"tangents": shared, "num_samples": count, "steps": steps, "seed": seed}
            for name, estimator, shared in [
                *((first, *m) for m in methods),
                *((name, *methods[0]) for name in others),
            ]
            for count in samples
        ]
        how = {name: asked[name] for name in ("time_limit", "again", "finished")}
        return _solve_all("samples", requests, out, **how)

    show(rows, as_json, out)
