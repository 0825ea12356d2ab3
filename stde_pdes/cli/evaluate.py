"""The command `stde evaluate`."""

import dataclasses
from pathlib import Path
from typing import Any

import click
import jax
import numpy as np

from ..problem import Unknowns
from ..runs.files import read_run
from ..runs.load import loaded_unknowns
from ..runs.precision import in_precision
from ..runs.record import recorded_setup
from ..runs.setup import Setup
from ..training import Objective, affine_relative_l2, hold_out, measure, residuals
from .sentences import refusals, show
from .user_file import problem_of

_POINTS = 2000


@click.command(
    epilog="""\b
Examples:
  stde evaluate kdv-run                             the errors of the trained model in kdv-run
  stde evaluate kdv-run --points 100000 --json
  stde evaluate runs/helmholtz --problem helmholtz.py   a run of your own file
"""
)
@click.argument("directory", metavar="DIR")
@click.option("--problem", metavar="FILE", help="The file of the problem, where it is your own; it is run.")
@click.option("--points", type=int, metavar="N", help="Test points.  [default: those of the run]")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def evaluate(directory: str, problem: str | None, points: int | None, as_json: bool) -> None:
    """Measure the errors of the trained model in DIR again.

    At points that training never saw, the first of which are those of the run, beside the errors of
    the best trivial solution and of the best affine network; without a known solution the residuals at
    fresh points. Of a run that was stopped before its end it takes the last checkpoint.
    """
    if points is not None and points < 1:
        raise click.UsageError(f"`--points` needs an integer ≥ 1, got {points}.")
    with refusals():
        path = Path(directory)
        record = read_run(path)
        precision = record.get("precision")
        with in_precision(precision if isinstance(precision, str) else None):
            setup = recorded_setup(path, None if problem is None else problem_of(problem))
            unknowns = loaded_unknowns(path, setup, unfinished=True)
            with jax.default_matmul_precision(setup.training.matmul_precision):
                result = _measured(setup, unknowns, points)
    if not (path / "result.json").exists():
        result["notes"] = [*result["notes"], "The run has not come to its end; this is its last checkpoint."]
    show(result, as_json)


def _measured(setup: Setup, unknowns: Unknowns, points: int | None) -> dict[str, Any]:
    problem = setup.problem
    found = {name: np.asarray(value, float).tolist() for name, value in unknowns.parameters.items()}
    result: dict[str, Any] = {"problem": setup.name, "notes": list(problem.notes)}
    result |= {"found": found} if found else {}
    if not problem.is_judged:
        return result | {"residuals": _residuals(setup, unknowns, points or _POINTS)}
    held_out = hold_out(problem, points or setup.training.test_points)
    errors = dataclasses.asdict(measure(problem, unknowns.network, held_out))
    return result | {
        **{name: value for name, value in errors.items() if value is not None},
        "trivial_relative_l2": held_out.trivial_relative_l2,
        "affine_relative_l2": affine_relative_l2(problem, held_out),
        "test_points": len(held_out.truth),
        "notes": [*problem.notes, *held_out.notes],
    }


def _residuals(setup: Setup, unknowns: Unknowns, points: int) -> dict[str, Any]:
    objective = Objective(setup.problem, lambda params: params, setup.estimator, setup.training)
    objective = objective.with_states(objective.first_states())
    sizes = residuals(objective, unknowns, points, key=jax.random.key(2**31 - 4))
    return {name: dataclasses.asdict(size) for name, size in sizes.items()}
