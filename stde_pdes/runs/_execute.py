"""A run from its setup to its result, in a directory that is its own."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from .._held_out import HeldOut
from .._loggers import Loggers
from .._setup import Setup
from ..report.figures import draw_run
from ..report.page import write_report
from ..training import (
    NotFiniteError,
    Place,
    Progress,
    Snapshot,
    Trained,
    affine_relative_l2,
    hold_out,
    start_of,
    train,
)
from ._checkpoint import read_checkpoint
from ._keeper import Keeper
from ._load import write_model
from ._metrics import Metrics
from ._precision import new_network
from ._record import write_json
from ._result import result_of
from ._stop import Stop

MOST_RETREATS = 5


@dataclasses.dataclass
class Run:
    """A run that is about to start, or to go on.

    - `record`: what its `run.json` holds.
    - `rollback`: whether to go back to the last checkpoint, with gentler optimisers, at a loss that
      is not finite; five times at most.
    - `report` gets the progress of training, `announce` one line for whatever else takes time.
    """

    setup: Setup
    directory: Path
    record: dict[str, Any]
    loggers: Loggers
    stop: Stop
    checkpoint_seconds: float
    rollback: bool
    report: Callable[[Progress], None]
    announce: Callable[[str], None]

    def __post_init__(self) -> None:
        network_key, self.key = jax.random.split(jax.random.key(self.setup.seed))
        self.network = new_network(self.setup, key=network_key)
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
            self.announce("computing the reference solution")
            held_out = hold_out(self.setup.problem, self.setup.training.test_points)
            trained = self._train(start, held_out)
            self.stop.patient = False
            result = self._finish(trained, held_out, lambda: earlier + time.perf_counter() - began)
            return result
        finally:
            self.loggers.finish(result)

    def checkpoint(self) -> Snapshot:
        """Where to go on: the last checkpoint, or the first step."""

        def like(place: Place) -> Snapshot:
            return start_of(self.network, self.setup.training, place)

        found = read_checkpoint(self.directory, self.versions, like)
        return like(Place()) if found is None else found

    def _train(self, start: Snapshot, held_out: HeldOut) -> Trained:
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

    def _finish(self, trained: Trained, held_out: HeldOut, seconds: Callable[[], float]) -> dict[str, Any]:
        setup, directory = self.setup, self.directory
        result = result_of(setup, trained, held_out, directory)
        result["model_sha256"] = write_model(directory, trained.network)
        self.announce("comparing with an affine network")
        result["affine_relative_l2"] = affine_relative_l2(setup.problem, held_out)
        self.announce("drawing the solution")
        problem, errors = setup.problem, self.metrics.errors
        draw_run(directory, setup.name, problem, trained.network, held_out, errors)
        result["seconds"] = seconds()
        write_json(directory, "result.json", result)
        write_report(directory)
        return result
