"""How much memory a process holds, or held at most."""

import sys
from pathlib import Path

import jax
import psutil


def peak_memory_mb() -> float:
    """The most memory so far: of the device on a GPU, of the whole process on a CPU."""
    statistics = jax.devices()[0].memory_stats()
    return statistics["peak_bytes_in_use"] / 1e6 if statistics else peak_resident_mb()


def peak_resident_mb() -> float:
    """The largest resident set of this process so far, Python and all its libraries included."""
    mark = _high_water_mark()
    if mark is None:  # Windows
        mark = getattr(psutil.Process().memory_info(), "peak_wset", None)
    if mark is None:
        import resource  # which Windows does not have

        mark = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return mark / 1e6


def resident_mb(pid: int) -> float:
    """What a process holds now; 0 where it has ended."""
    try:
        return psutil.Process(pid).memory_info().rss / 1e6
    except psutil.Error:
        return 0.0


def _high_water_mark() -> int | None:
    """In bytes, where the kernel tells it; `ru_maxrss` counts in what the parent held at this one's start."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
