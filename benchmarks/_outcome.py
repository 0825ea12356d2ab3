"""What comes of measuring one method once."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ._format import number

Status: TypeAlias = Literal["ok", "out of memory", "out of time", "failed", "not run"]


@dataclass(frozen=True)
class Outcome:
    """One measurement in a process of its own, or why there is none.

    - `seconds`: the median over the timed calls; `calls`: how many there were.
    - `trace_seconds`, `compile_seconds`: before the first call.
    - `peak_memory_mb`: of the whole process on a CPU, of the device on a GPU.
    - `loss`: of the first call, the same for all methods that compute the same.
    """

    status: Status
    reason: str = ""
    seconds: float | None = None
    calls: int = 0
    trace_seconds: float | None = None
    compile_seconds: float | None = None
    peak_memory_mb: float | None = None
    loss: float | None = None

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.status} ({self.reason})"
        prepared = (self.trace_seconds or 0) + (self.compile_seconds or 0)
        return (
            f"{number(1e3 * self.seconds)} ms over {self.calls} calls, {self.peak_memory_mb:.0f} MB, "
            f"{prepared:.1f} s to compile"
        )
