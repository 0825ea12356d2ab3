"""A run and its directory: settings, environment, metrics, model, picture."""

import dataclasses
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from ._held_out import HeldOut
from ._setup import Setup
from .report.figures import draw_run
from .training import Progress, Trained, hold_out, train

_VERSIONS = ("stde", "jax", "jaxlib", "equinox", "optax", "diffrax", "numpy")


def new_directory(out: str | None, name: str) -> Path:
    """Creates the directory of a run: `out`, or a new `runs/NAME-TIME`.

    Raises `ValueError` where `out` is taken, not empty or cannot be written to.
    """
    path = _unused(Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}") if out is None else Path(out)
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(f"`--out {path}` exists and is not an empty directory; name a new one.")
        path.mkdir(parents=True, exist_ok=True)
        (path / "metrics.jsonl").touch()
    except OSError as error:
        raise ValueError(
            f"`--out {path}` cannot be written to ({error.strerror}); name a directory that can."
        ) from error
    return path


def _unused(path: Path) -> Path:
    candidates = (path if i == 1 else path.with_name(f"{path.name}-{i}") for i in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def execute(
    setup: Setup,
    directory: Path,
    *,
    report: Callable[[Progress], None],
    announce: Callable[[str], None],
) -> dict[str, Any]:
    """Trains, and writes `run.json`, `metrics.jsonl`, `model.eqx`, `solution.png` and `result.json`.

    Returns what `result.json` holds. `report` gets the progress of training, `announce` one line
    for whatever else takes time.
    """
    started = time.perf_counter()
    _write_json(directory / "run.json", setup.describe() | {"environment": environment()})
    announce("computing the reference solution")
    held_out = hold_out(setup.problem, setup.training.test_points)
    history: list[Progress] = []
    network_key, training_key = jax.random.split(jax.random.key(setup.seed))
    network = setup.network(setup.problem.num_features, key=network_key)
    announce("compiling the training step")
    with open(directory / "metrics.jsonl", "w", encoding="utf-8") as metrics:

        def record(progress: Progress) -> None:
            history.append(progress)
            metrics.write(json.dumps(_as_dict(progress)) + "\n")
            metrics.flush()
            report(progress)

        trained = train(
            setup.problem, network, setup.estimator, setup.training, held_out, key=training_key, report=record
        )
    eqx.tree_serialise_leaves(directory / "model.eqx", trained.network)
    announce("drawing the solution")
    draw_run(directory / "solution.png", setup.name, setup.problem, trained.network, held_out, history)
    result = _result(setup, trained, held_out, directory)
    result["seconds"] = time.perf_counter() - started
    _write_json(directory / "result.json", result)
    return result


def environment() -> dict[str, Any]:
    """Versions, device and precision of this process, and the command that started it."""
    device = jax.devices()[0]
    return {
        "command": sys.argv,
        "versions": {name: version(name) for name in _VERSIONS},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": f"{device.platform}:{device.device_kind}",
        "precision": "float64" if jax.config.read("jax_enable_x64") else "float32",
        "matmul_precision": "highest",
    }


def _result(setup: Setup, trained: Trained, held_out: HeldOut, directory: Path) -> dict[str, Any]:
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
        "error_points": setup.problem.error_points,
        "test_points": len(held_out.truth),
        "steps_per_second": progress.steps_per_second,
        "peak_memory_mb": _peak_memory_mb(),
        "out": str(directory),
        "notes": [*setup.problem.notes, *held_out.notes],
    }
    if errors.relative_error_origin is not None:
        result["relative_error_origin"] = errors.relative_error_origin
    return result


def _count(network: Any) -> int:
    """How many numbers are trained."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array)))


def _peak_memory_mb() -> float:
    """The largest resident set of this process so far (Linux counts kB, macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _as_dict(progress: Progress) -> dict[str, Any]:
    fields = dataclasses.asdict(progress)
    errors = fields.pop("errors") or {}
    return fields | errors


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
