"""The command `python -m benchmarks operators`."""

from typing import Any

import click

from .._operators import operators as measure
from .._table import print_report
from .._workloads import WORKLOADS
from ._options import INTEGERS, NAMES, listed, run, timed


@click.command(
    epilog=f"""\b
Workloads and methods:
{listed({name: f"{w.summary}: {', '.join(w.methods)}" for name, w in WORKLOADS.items()})}

\b
Examples:
  python -m benchmarks operators --workloads kdv-2d --sizes base,L=8,L=16,h=512
  python -m benchmarks operators --workloads laplacian --dims 10,100 --methods folx,stde
  python -m benchmarks operators --workloads kp,g-kdv --sizes base --out results
  python -m benchmarks operators --workloads biharmonic --dims 5 --batch 8 --repeats 1 --json
"""
)
@click.option("--workloads", type=NAMES, metavar="NAMES", help="What to measure.  [default: all]")
@click.option("--sizes", type=NAMES, help="base (4×128), L=LAYERS, h=WIDTH.  [default: the workload's]")
@click.option("--methods", type=NAMES, metavar="NAMES", help="Those to compare.  [default: all]")
@click.option("--dims", type=INTEGERS, help="For laplacian and biharmonic.  [default: 10,100 and 100]")
@click.option("--batch", type=int, help="Points.  [default: 1000; laplacian and biharmonic 100]")
@timed
def operators(as_json: bool, **options: Any) -> None:
    """Measure loss and gradient of differential operators.

    The loss is the mean squared residual on a fixed batch of points, the gradient that in all
    parameters of the network.
    """
    run(measure, print_report, as_json, options)
