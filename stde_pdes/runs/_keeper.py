"""When checkpoints are written."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from ..training import Snapshot
from ._checkpoint import write_checkpoint
from ._stop import Stop, Stopped

_FIRST_SECONDS = 3.0
# Writing takes at most this share of the time.
_SHARE = 0.05


@dataclass
class Keeper:
    """Writes checkpoints as training goes on, and answers a request to stop with one.

    - `every`: seconds from one to the next; the first comes after 3 seconds at most. One more is due
      before the first step of every later stage.
    """

    directory: Path
    versions: dict[str, str]
    every: float
    stop: Stop
    due: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.due = time.monotonic() + min(self.every, _FIRST_SECONDS)

    def __call__(self, snapshot: Snapshot) -> None:
        """Raises `Stopped` where that was asked for."""
        self.stop.patient = True
        begins = snapshot.place.step == 0
        if begins or self.stop.requested is not None or time.monotonic() >= self.due:
            self._write(snapshot)
        if self.stop.requested is not None:
            raise Stopped(self.stop.requested)

    def _write(self, snapshot: Snapshot) -> None:
        began = time.monotonic()
        write_checkpoint(self.directory, snapshot, self.versions)
        now = time.monotonic()
        self.due = now + max(self.every, (now - began) / _SHARE)
