"""A run carried out, in a directory that is its own."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from .._loggers import Loggers
from ..memory import peak_memory_mb
from ..networks import split_trained
from ..report.figures import draw_run
from ..report.page import write_report
from ..training import (
    HeldOut,
    NotFiniteError,
    Place,
    Progress,
    Snapshot,
    Trained,
    affine_relative_l2,
    hold_out,
    residuals,
    start_of,
    train,
)
from .checkpoint import Keeper, read_checkpoint
from .files import write_json
from .load import write_model
from .metrics import Metrics
from .setup import Setup
from .signals import Stop

MOST_RETREATS = 5
# Fresh points per condition at which a report shows the residuals; their key is no step's.
_RESIDUAL_POINTS, _RESIDUAL_KEY = 2000, 2**31 - 4


@dataclasses.dataclass
class Execution:
    """A run that is about to start, or to go on.

    - `network`: before its training.
    - `record`: what its `run.json` holds.
    - `rollback`: whether to go back to the last checkpoint, with gentler optimisers, at a loss that
      is not finite; five times at most.
    - `report` gets the progress of training, `announce` one line for whatever else takes time.
    """

    setup: Setup
    network: Any
    directory: Path
    record: Mapping[str, Any]
    loggers: Loggers
    stop: Stop
    checkpoint_seconds: float
    rollback: bool
    callbacks: Sequence[Callable[[Progress], str | None]]
    report: Callable[[Progress], None]
    announce: Callable[[str], None]

    def __post_init__(self) -> None:
        _, self.key = jax.random.split(jax.random.key(self.setup.seed))
        self.metrics = Metrics(self.directory)
        self.versions = self.record["environment"]["versions"]
        self.keeper = Keeper(self.directory, self.versions, self.checkpoint_seconds, self.stop)

    def execute(self) -> dict[str, Any]:
        """Goes on from the last checkpoint, if there is one; returns what `result.json` holds.

        Its seconds are those of this process, and of the steps before it.

        Raises `NotFiniteError`, `Stopped` where it was asked to stop, `UnwritableError` where a file
        cannot be written, and `ValueError` for a checkpoint that is not of this run.
        """
        result: dict[str, Any] | None = None
        began = time.perf_counter()
        start = self.checkpoint()
        earlier = start.place.seconds
        self.loggers.start(self.directory, self.record)
        try:
            held_out = self._hold_out()
            trained = self._train(start, held_out)
            self.stop.patient = False
            result = self._finish(trained, held_out, lambda: earlier + time.perf_counter() - began)
            return result
        finally:
            self.loggers.finish(result)

    def _hold_out(self) -> HeldOut | None:
        if not self.setup.problem.is_judged:
            return None
        self.announce("computing the reference solution")
        return hold_out(self.setup.problem, self.setup.training.test_points)

    def checkpoint(self) -> Snapshot:
        """Where to go on: the last checkpoint, or the first step."""

        def like(place: Place) -> Snapshot:
            return start_of(self.setup.problem, self.network, self.setup.training, place)

        found = read_checkpoint(self.directory, self.versions, like)
        return like(Place()) if found is None else found

    def _train(self, start: Snapshot, held_out: HeldOut | None) -> Trained:
        while True:
            self.metrics.begin(start.place.total)
            self.announce("compiling the training step")
            try:
                return train(
                    self.setup.problem,
                    self.network,
                    self.setup.estimator,
                    self.setup.training,
                    held_out,
                    key=self.key,
                    start=start,
                    report=self._record,
                    keep=self.keeper,
                    callbacks=self.callbacks,
                )
            except NotFiniteError as error:
                retreats = start.place.retreats + 1
                if not self.rollback or retreats > MOST_RETREATS:
                    raise
                start = self._retreat(retreats, error)

    def _retreat(self, retreats: int, error: NotFiniteError) -> Snapshot:
        start = self.checkpoint()
        self.announce(
            f"{error} Going back to step {start.place.total} with gentler steps "
            f"({retreats} of at most {MOST_RETREATS} times)."
        )
        return dataclasses.replace(start, place=dataclasses.replace(start.place, retreats=retreats))

    def _record(self, progress: Progress) -> None:
        self.loggers.record(self.metrics.add(progress))
        self.report(progress)

    def _finish(
        self, trained: Trained, held_out: HeldOut | None, seconds: Callable[[], float]
    ) -> dict[str, Any]:
        problem, directory = self.setup.problem, self.directory
        if trained.stopped:
            self.announce(f"Stopped early at step {trained.progress.step}: {trained.stopped}.")
        result = self._numbers(trained) | ({} if held_out is None else _judged(trained, held_out))
        result["model_sha256"] = write_model(directory, trained.network, trained.parameters)
        if held_out is not None:
            self.announce("comparing with an affine network")
            result["affine_relative_l2"] = affine_relative_l2(problem, held_out)
            result["notes"] = [*problem.notes, *held_out.notes]
        self.announce("drawing the solution")
        draw_run(directory, self.setup.name, problem, trained.network, held_out, self.metrics.lines)
        result["seconds"] = seconds()
        write_json(directory, "result.json", result)
        write_report(directory)
        return result

    def _numbers(self, trained: Trained) -> dict[str, Any]:
        """What `result.json` holds of any run."""
        setup, progress = self.setup, trained.progress
        key = jax.random.fold_in(self.key, _RESIDUAL_KEY)
        sizes = residuals(trained.objective, trained.params, _RESIDUAL_POINTS, key=key)
        found = {"found": progress.parameters} if progress.parameters else {}
        return {
            "problem": setup.name,
            "dim": setup.problem.dim,
            "estimator": setup.estimator_name,
            "steps": progress.step,
            "seed": setup.seed,
            "parameters": _count(trained.network),
            "loss": progress.loss,
            "losses": progress.losses,
            "residuals": {name: dataclasses.asdict(size) for name, size in sizes.items()},
            "stopped": trained.stopped,
            "steps_per_second": progress.step / progress.seconds,
            "peak_memory_mb": peak_memory_mb(),
            "out": str(self.directory),
            "notes": list(setup.problem.notes),
            **found,
        }


def _judged(trained: Trained, held_out: HeldOut) -> dict[str, Any]:
    """What it holds where a solution is known."""
    errors = trained.progress.errors
    assert errors is not None
    known = {name: value for name, value in dataclasses.asdict(errors).items() if value is not None}
    return known | {
        "trivial_relative_l2": held_out.trivial_relative_l2,
        "test_points": len(held_out.truth),
    }


def _count(network: Any) -> int:
    """How many numbers are trained."""
    own, _ = split_trained(network)
    return sum(leaf.size for leaf in jax.tree.leaves(own))
