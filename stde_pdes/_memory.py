"""How much memory a process holds, or held at most."""

import resource
import subprocess
import sys
from pathlib import Path

import jax


def peak_memory_mb() -> float:
    """The most memory so far: of the device on a GPU, of the whole process on a CPU."""
    statistics = jax.devices()[0].memory_stats()
    return statistics["peak_bytes_in_use"] / 1e6 if statistics else peak_resident_mb()


def peak_resident_mb() -> float:
    """The largest resident set of this process so far, Python and all its libraries included."""
    # `ru_maxrss` counts in what the parent held when it started this process; the kernel's
    # high-water mark does not.
    mark = _status("self", "VmHWM")
    if mark is not None:
        return mark
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def resident_mb(pid: int) -> float:
    """What a process holds now; 0 where it has ended."""
    if Path("/proc").is_dir():
        return _status(str(pid), "VmRSS") or 0.0
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
    return float(shown.stdout or 0) * 1024 / 1e6


def _status(pid: str, field: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return float(found[0]) * 1024 / 1e6 if found else None
