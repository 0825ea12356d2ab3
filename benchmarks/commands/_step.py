"""The command `python -m benchmarks step`."""

from typing import Any

import click

from .._methods import METHODS
from .._step import step as measure
from .._table import print_report
from ._options import INTEGERS, NAMES, listed, run, timed


@click.command(
    epilog=f"""\b
Methods:
{listed({name: method.summary for name, method in METHODS.items()})}

\b
Examples:
  python -m benchmarks step                           all methods, 100 and 1000 dimensions
  python -m benchmarks step --dims 100000 --methods released,stde --memory-limit 12
  python -m benchmarks step --problem allen-cahn-two-body --shared-tangents --out results
  python -m benchmarks step --dims 5 --num-samples 2 --repeats 1 --seconds 0.1 --json
"""
)
@click.option(
    "--problem", default="sine-gordon-two-body", show_default=True, help="See `stde list problems`."
)
@click.option("--dims", type=INTEGERS, default="100,1000", show_default=True, help="Space dimensions.")
@click.option("--methods", type=NAMES, metavar="NAMES", help="Those to compare.  [default: all that can]")
@click.option("--num-samples", default=16, show_default=True, help="Sampled dimensions per point.")
@click.option("--batch", default=100, show_default=True, help="Points per step.")
@click.option("--width", default=128, show_default=True, help="Units of a hidden layer.")
@click.option("--depth", default=3, show_default=True, help="Hidden layers.")
@click.option("--shared-tangents/--per-point-tangents", default=False, help="[default: per point]")
@timed
def step(as_json: bool, **options: Any) -> None:
    """Measure one training step.

    Fresh points, right-hand side, tangents, loss, gradient and an update by Adam. All methods in
    JAX get the same network, points and tangents, and call the same right-hand side, so that
    their losses agree; but `released` does all by itself, as the script of STDE does.
    """
    run(measure, print_report, as_json, options)
