"""A problem solved: from what was asked to a directory with a trained model, errors and a report."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax

import stde_core as stde
from stde_core.checks import in_short

from .._loggers import open_loggers
from ..problem import Problem
from ..settings import Training
from ..training import Progress
from ..training.arguments import check_residuals
from .config import write_config
from .directory import own_directory
from .execute import Execution
from .files import read_result, shown
from .identity import identity_of
from .load import Solution, first_network, trained_unknowns
from .precision import in_precision
from .record import remark, resumed_record, write_record
from .setup import Options, Setup, prepare
from .signals import stoppable

if TYPE_CHECKING:
    from ..report.progress import ProgressDisplay


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    - `model`: the solution `x ↦ u(x)`, an Equinox module; `network`: the network inside its ansatz.
    - `parameters`: the problem's, as they were found.
    - `result`: what `result.json` holds: errors, losses, cost.
    - `directory`: where its files are.
    """

    problem: Problem
    model: Solution
    result: Mapping[str, Any]
    directory: Path

    @property
    def network(self) -> Any:
        return self.model.network

    @property
    def parameters(self) -> dict[str, Any]:
        return self.model.parameters


def solve(
    problem: Problem | str,
    *,
    steps: int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    start: str | os.PathLike[str] | None = None,
    network: Any = None,
    training: Training | None = None,
    estimator: stde.AbstractEstimator | None = None,
    precision: str | None = None,
    checkpoint_seconds: float = 60.0,
    on_nonfinite: Literal["stop", "rollback"] = "stop",
    log: Sequence[str] = (),
    callbacks: Sequence[Callable[[Progress], str | None]] = (),
    progress: bool = True,
) -> Run:
    """Trains a network to solve a problem, and measures how well it did. `stde solve` calls this.

    Writes the trained model, the metrics, all that is needed to repeat the run, a picture, a report and
    checkpoints into a directory of its own.

    - `problem`: a `Problem`, or the name of a registered one.
    - `steps`: of all optimisers, in the training's proportions; None for its own number.
    - `seed`: of network, points and tangents.
    - `out`: the directory, a new one; by default `runs/NAME-TIME`. With `resume` it may hold a run of the
      same problem and settings, which goes on from its last checkpoint and ends with the bits of one that was
      never stopped; a finished run is told to be finished, and returned.
    - `start`: the directory of a run whose trained network this one begins with, whatever
      its settings.
    - `network`, `training`, `estimator`: in place of the problem's own.
    - `precision`: "float32", "float64" or "bfloat16" parameters; None for that of JAX.
    - `checkpoint_seconds`: from one checkpoint to the next.
    - `on_nonfinite`: at a loss that is not finite, "stop", or "rollback" to the last checkpoint, with gentler
      optimisers.
    - `log`: names of loggers to pass the metrics on to.
    - `callbacks`: called with a `Progress` about once a second; one that returns a sentence ends the
      training, and the run is evaluated as it is.
    - `progress`: whether to show it, on stderr or in the notebook.

    Ctrl-C writes a checkpoint and raises `Stopped`, a `KeyboardInterrupt`; `load(out, unfinished=True)` then
    gives the model as it is. Raises `NotFiniteError` at a loss that is not finite, and `ValueError` or
    `TypeError`, with a sentence, for what does not exist or does not go together.
    """
    if not isinstance(problem, Problem | str):
        raise TypeError(
            f"`solve(problem)` needs a `stde_pdes.Problem`, or the name of one (`stde list problems`), got "
            f"{in_short(problem)}."
        )
    own = {"network": network, "training": training, "estimator": estimator}
    own = {field: value for field, value in own.items() if value is not None}
    with in_precision(precision):
        setup = prepare(
            problem, seed, Options(steps=steps, precision=precision), changes=own, **_script(problem)
        )
        conduct = Conduct(
            resume, _path(start), checkpoint_seconds, on_nonfinite, tuple(log), tuple(callbacks)
        )
        display = _display(setup) if progress else Silence()
        return run(setup, _path(out), conduct, display)


def _script(problem: Problem | str) -> dict[str, str]:
    """A problem is taken to stand in the file that Python runs."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return (
        {} if isinstance(problem, str) or file is None else {"name": Path(file).stem, "file": Path(file).name}
    )


def _display(setup: Setup) -> "ProgressDisplay":
    from ..report.progress import ProgressDisplay  # rich, which `import stde_pdes` does without

    return ProgressDisplay(setup.training.total_steps)


def _path(given: str | os.PathLike[str] | None) -> Path | None:
    return None if given is None else Path(given)


@dataclasses.dataclass(frozen=True)
class Conduct:
    """How a run goes on, which changes none of its numbers: as `solve` takes it."""

    resume: bool = False
    start: Path | None = None
    checkpoint_seconds: float = 60.0
    on_nonfinite: Literal["stop", "rollback"] = "stop"
    log: tuple[str, ...] = ()
    callbacks: tuple[Callable[[Progress], str | None], ...] = ()

    def __post_init__(self) -> None:
        stde.check_choice("on_nonfinite", self.on_nonfinite, ("stop", "rollback"))
        if not self.checkpoint_seconds > 0:
            raise ValueError(f"`checkpoint_seconds` needs a number > 0, got {self.checkpoint_seconds:g}.")


class Silence:
    """A display that shows nothing."""

    def __enter__(self) -> "Silence":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def announce(self, text: str) -> None:
        pass

    def report(self, progress: Progress) -> None:
        pass


def run(
    setup: Setup,
    out: Path | None,
    conduct: Conduct,
    display: "ProgressDisplay | Silence",
    around: Callable[[Path], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
) -> Run:
    """A run from its setup to its end; `around` is entered with its directory before it begins."""
    if conduct.resume and out is None:
        raise ValueError("`resume` needs `out`, the directory of the run to go on with.")
    loggers = open_loggers(conduct.log)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(own_directory(out, setup.name, resume=conduct.resume))
        stack.enter_context(around(directory))
        network = first_network(setup, conduct.start)
        check_residuals(setup.problem, setup.estimator)  # before they are traced for the identity
        identity = identity_of(setup, network)
        record = resumed_record(directory, setup, identity, conduct.start) if conduct.resume else None
        stack.enter_context(display)
        if record is not None and read_result(directory) is not None:
            display.announce(f"The run in {shown(directory)} is finished; nothing is left to do.")
            return found_run(directory, setup, identity)
        if conduct.resume:
            display.announce(remark(directory, record))
        display.announce(_headline(setup))
        execution = Execution(
            setup=setup,
            network=network,
            directory=directory,
            record=_begun(directory, setup, identity, conduct.start) if record is None else record,
            loggers=loggers,
            stop=stack.enter_context(stoppable(display.announce)),
            checkpoint_seconds=conduct.checkpoint_seconds,
            rollback=conduct.on_nonfinite == "rollback",
            callbacks=conduct.callbacks,
            report=display.report,
            announce=display.announce,
        )
        execution.execute()
        return found_run(directory, setup, identity)


def _begun(directory: Path, setup: Setup, identity: str | None, start: Path | None) -> dict[str, Any]:
    write_config(directory, setup)
    return write_record(directory, setup, identity, start)


def found_run(directory: Path, setup: Setup, identity: str | None) -> Run:
    """The finished run that a directory holds."""
    unknowns = trained_unknowns(directory, setup, identity)
    result = read_result(directory)
    return Run(
        setup.problem, Solution(unknowns.network, setup.problem, unknowns.parameters), result or {}, directory
    )


def _headline(setup: Setup) -> str:
    device = jax.devices()[0]
    return (
        f"{setup.name}, dim {setup.problem.dim}, estimator {setup.estimator_name}, "
        f"{setup.training.total_steps} steps, seed {setup.seed}, {setup.precision}, "
        f"on {device.platform} ({device.device_kind})"
    )
