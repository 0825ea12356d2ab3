"""The command `stde evaluate`."""

import dataclasses
from pathlib import Path

import click
import jax

from .._run_files import read_run
from ..runs import in_precision, load_setup
from ..training import affine_relative_l2, hold_out, measure
from ._sentences import refusals, show


@click.command(
    epilog="""\b
Examples:
  stde evaluate kdv-run                             the errors of the trained model in kdv-run
  stde evaluate kdv-run --points 100000 --json
"""
)
@click.argument("directory", metavar="DIR")
@click.option("--points", type=int, metavar="N", help="Test points.  [default: those of the run]")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def evaluate(directory: str, points: int | None, as_json: bool) -> None:
    """Measure the errors of the trained model in DIR again.

    At points that training never saw, the first of which are those of the run, beside the errors of
    the best trivial solution and of the best affine network.
    """
    if points is not None and points < 1:
        raise click.UsageError(f"`--points` needs an integer ≥ 1, got {points}.")
    with refusals():
        record = read_run(Path(directory))
        precision = record.get("precision")
        with in_precision(precision if isinstance(precision, str) else None):
            setup, network = load_setup(Path(directory))
            held_out = hold_out(setup.problem, points or setup.training.test_points)
            with jax.default_matmul_precision(setup.training.matmul_precision):
                errors = measure(setup.problem, network, held_out)
            affine = affine_relative_l2(setup.problem, held_out)
    result = dataclasses.asdict(errors) | {
        "problem": setup.name,
        "trivial_relative_l2": held_out.trivial_relative_l2,
        "affine_relative_l2": affine,
        "test_points": len(held_out.truth),
        "notes": [*setup.problem.notes, *held_out.notes],
    }
    show(result, as_json)
