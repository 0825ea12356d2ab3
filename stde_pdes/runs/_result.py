"""What came of a run, in numbers."""

from pathlib import Path
from typing import Any

import jax

from .._held_out import HeldOut
from .._setup import Setup
from ..memory import peak_memory_mb
from ..models import split_trained
from ..training import Trained


def result_of(setup: Setup, trained: Trained, held_out: HeldOut, directory: Path) -> dict[str, Any]:
    """What `result.json` holds, but for the digest of the model, the affine error and the seconds of all."""
    progress, errors = trained.progress, trained.progress.errors
    assert errors is not None
    result = {
        "problem": setup.name,
        "dim": setup.problem.dim,
        "estimator": setup.estimator_name,
        "steps": progress.step,
        "seed": setup.seed,
        "parameters": _count(trained.network),
        "loss": progress.loss,
        "relative_l1": errors.relative_l1,
        "relative_l2": errors.relative_l2,
        "trivial_relative_l2": held_out.trivial_relative_l2,
        "test_points": len(held_out.truth),
        "steps_per_second": progress.step / progress.seconds,
        "peak_memory_mb": peak_memory_mb(),
        "out": str(directory),
        "notes": [*setup.problem.notes, *held_out.notes],
    }
    if errors.relative_error_origin is not None:
        result["relative_error_origin"] = errors.relative_error_origin
    return result


def _count(network: Any) -> int:
    """How many numbers are trained."""
    own, _ = split_trained(network)
    return sum(leaf.size for leaf in jax.tree.leaves(own))
