"""The solution of `allen-cahn-parabolic` at the origin, by long branching runs, beside the published values.

    python -m benchmarks.allen_cahn_origin --out benchmarks/results/allen-cahn-origin

Each dimension takes the mean of independent runs of `problem.branching`, of ten seconds each.
"""

import argparse
import json
import math
import statistics
import time
from pathlib import Path

import jax.numpy as jnp

from stde_pdes.families.allen_cahn_parabolic import AllenCahnParabolic
from stde_pdes.runs import environment

# By multilevel Picard iteration, at T = 0.3 (STDE, Shi, Hu, Lin, Kawaguchi, NeurIPS 2024).
PUBLISHED = {10: 0.89060, 100: 1.04510, 1000: 1.09100, 10_000: 1.11402}


def row(dim: int, runs: int) -> dict[str, float]:
    """Mean and standard error over the runs, with seeds from 0."""
    problem = AllenCahnParabolic(dim)
    found = [problem.branching(jnp.asarray(problem.origin)[None], seed=seed) for seed in range(runs)]
    return {
        "dim": dim,
        "value": statistics.fmean(float(one.values[0]) for one in found),
        "standard_error": math.hypot(*(float(one.standard_errors[0]) for one in found)) / runs,
        "published": PUBLISHED[dim],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=8, help="per dimension")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [row(dim, arguments.runs) for dim in PUBLISHED]
    result = {
        "date": time.strftime("%Y-%m-%d %H:%M %z"),
        "horizon": 0.3,
        "runs": arguments.runs,
        "rows": rows,
        "environment": {name: value for name, value in environment().items() if name != "command"},
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2) + "\n"
    (arguments.out / "allen-cahn-origin.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
