"""The solution of `allen-cahn-parabolic` at the origin, by long branching runs, beside the published values.

    python -m benchmarks.allen_cahn_origin benchmarks/results/allen-cahn-origin

Each dimension takes the mean of eight independent runs, of ten seconds each.
"""

import math
import statistics
import sys
from typing import Any

import jax.numpy as jnp

from stde_pdes import get_problem

from .rows import append_row, environment, file_of, origin

# By multilevel Picard iteration, at T = 0.3 (STDE, Shi, Hu, Lin, Kawaguchi, NeurIPS 2024).
PUBLISHED = {10: 0.89060, 100: 1.04510, 1000: 1.09100, 10_000: 1.11402}
RUNS = 8

if __name__ == "__main__":
    path = file_of(sys.argv[1], "allen-cahn-origin")
    for dim, published in PUBLISHED.items():
        problem = get_problem("allen-cahn-parabolic", dim=dim)
        reference: Any = problem.reference
        found = [reference.branching(jnp.asarray(problem.origin)[None], seed=seed) for seed in range(RUNS)]
        value = statistics.fmean(float(one.values[0]) for one in found)
        error = math.hypot(*(float(one.standard_errors[0]) for one in found)) / RUNS
        row = (
            {"study": "allen-cahn-origin", "dim": dim, "horizon": 0.3, "runs": RUNS}
            | origin()
            | environment()
        )
        append_row(path, row | {"value": value, "standard_error": error, "published": published})
        print(f"{dim} dimensions: {value:.6f} ± {error:.1e}, published {published}", flush=True)
