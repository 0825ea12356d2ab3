"""The command `python -m benchmarks samples`."""

from typing import Any

import click

from .._samples import ESTIMATORS, PROBLEMS, SAMPLES, TANGENTS
from .._samples import samples as measure
from .._samples_page import print_samples
from ._options import INTEGERS, NAMES, resumable, run_resumable


@click.command(
    epilog="""\b
Examples:
  python -m benchmarks samples --dim 100 --samples 1,16          three estimators side by side
  python -m benchmarks samples --out benchmarks/results/samples  48 runs, hours on two cores
  python -m benchmarks samples --problems poisson-two-body --estimators stde,sdgd --samples 1,4,16
  python -m benchmarks samples --dim 6 --steps 3 --samples 1,2 --estimators stde --out try --json
"""
)
@click.option("--samples", type=INTEGERS, default=SAMPLES, help=f"[default: {','.join(map(str, SAMPLES))}]")
@click.option("--problems", type=NAMES, metavar="NAMES", help=f"[default: {','.join(PROBLEMS)}]")
@click.option(
    "--estimators", type=NAMES, metavar="NAMES", default=ESTIMATORS, help=f"[default: {','.join(ESTIMATORS)}]"
)
@click.option("--tangents", type=NAMES, default=TANGENTS, help=f"[default: {','.join(TANGENTS)}]")
@click.option("--dim", default=1000, show_default=True, help="Space dimensions.")
@click.option("--steps", default=2000, show_default=True, help="Optimiser steps.")
@click.option("--seed", default=0, show_default=True, help="Of network, points and tangents.")
@click.option("--out", metavar="DIR", default="runs/samples", show_default=True, help="For all results.")
@resumable
def samples(as_json: bool, **options: Any) -> None:
    """Measure error and speed over the number of samples per point.

    The ablation of the randomisation batch of STDE: error, residual loss, steps per second and time
    to convergence. The first problem is solved by every estimator with tangents per point and
    shared, the others by the first estimator. Finished runs are kept: the same command goes on where
    it was interrupted, and makes anew only what has other settings, versions or another device.
    What older sources of stde made is used, and marked.
    """
    run_resumable(measure, print_samples, as_json, options)
