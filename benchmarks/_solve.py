"""One run of `stde solve`, in a process of its own."""

import json
import shlex
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._format import error
from ._outcome import Outcome, Status
from ._processes import Limits, ask


@dataclass(frozen=True)
class Run:
    """`stde solve COMMAND --steps STEPS --seed SEED`, such as `kdv -p solution=two-soliton`."""

    command: str
    steps: int
    seed: int

    @property
    def arguments(self) -> list[str]:
        """What follows `stde solve`."""
        return [*shlex.split(self.command), "--steps", str(self.steps), "--seed", str(self.seed)]


@dataclass(frozen=True)
class Solved:
    """What came of a run, or why nothing did.

    - `result`: what `stde solve --json` prints, less the directory.
    - `errors`: the relative L2 error after so many seconds of training, as often as it was measured.
    - `date`: when it ended.
    - `older`: whether other sources of stde made it than those that are here.
    """

    status: Status
    reason: str
    result: dict[str, Any]
    errors: tuple[tuple[float, float], ...]
    date: str
    older: bool = False

    def __str__(self) -> str:
        if self.status != "ok":
            return f"{self.status} ({self.reason})"
        result = self.result
        errors = f"error {error(result['relative_l2'])} (trivial {error(result['trivial_relative_l2'])})"
        return f"{errors}, {result['seconds']:.0f} s"


def failed(status: Status, reason: str) -> Solved:
    """A run that nothing came of."""
    return Solved(status, reason, {}, (), _now())


def carry_out(run: Run, time_limit: float) -> Solved:
    """Runs `stde solve` in a new process, which does not outlive this call."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        arguments = [*run.arguments, "--out", str(out), "--json"]
        result = ask({"solve": arguments}, Limits(seconds=time_limit))
        if isinstance(result, Outcome):
            # The directory that the message of `stde solve` leads to is about to go.
            return failed(result.status, result.reason.partition(" What was measured is in ")[0])
        result.pop("out")
        return Solved("ok", "", result, _errors(out / "metrics.jsonl"), _now())


def _errors(metrics: Path) -> tuple[tuple[float, float], ...]:
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    return tuple((line["seconds"], line["relative_l2"]) for line in lines if "relative_l2" in line)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M %z")
