"""The command `python -m benchmarks accuracy`."""

from typing import Any

import click

from .._accuracy import accuracy as measure
from .._accuracy_page import print_accuracy
from ._options import NAMES, resumable, run_resumable


@click.command(
    epilog="""\b
Examples:
  python -m benchmarks accuracy --problems kdv,kp       a run at full length and three short ones of each
  python -m benchmarks accuracy --only full             all problems; hours on two cores
  python -m benchmarks accuracy --problems kdv --again  anew, whatever there is
  python -m benchmarks accuracy --problems kdv --steps-scale 0.001 --out try --json
"""
)
@click.option("--problems", type=NAMES, metavar="NAMES", help="Those to solve.  [default: all of stde]")
@click.option(
    "--only", type=click.Choice(["full", "short"]), help="One seed at full length, or three short ones."
)
@click.option("--steps-scale", default=1.0, show_default=True, help="A factor on all numbers of steps.")
@click.option("--out", metavar="DIR", default="runs/accuracy", show_default=True, help="For finished runs.")
@click.option("--table", metavar="FILE", help="Write the results as a page of Markdown.")
@resumable
def accuracy(as_json: bool, **options: Any) -> None:
    """Measure how well `stde solve` solves the problems by its defaults.

    Every problem, some with several options, is solved once at full length (seed 0), and at a fifth
    of the steps with seeds 0, 1 and 2, one run after the other. Errors stand beside the trivial
    error, an aim and what is published. Finished runs are kept: the same command goes on where it
    was interrupted, and makes anew only what has other settings, versions or another device.
    What older sources of stde made is used, and marked.
    """
    run_resumable(measure, print_accuracy, as_json, options)
