"""Measurements in processes of their own, with limits on time and memory."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO, Any

from stde_pdes.memory import resident_mb

from ._outcome import Outcome
from ._sources import CHECKOUT

_MODULE = "benchmarks._worker"
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Limits:
    """What one process may take: seconds from start to end, and MB; None for no bound."""

    seconds: float | None = None
    memory_mb: float | None = None


def ask(request: dict[str, Any], limits: Limits) -> dict[str, Any] | Outcome:
    """The answer of a new process, or an `Outcome` that says why there is none.

    The process does not outlive this call, however it ends.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = [sys.executable, "-m", _MODULE, json.dumps(request)]
        child = subprocess.Popen(command, cwd=CHECKOUT, stdout=out, stderr=err)
        try:
            stopped = _watch(child, limits)
        finally:
            child.kill()
            child.wait()
        if stopped is not None:
            return stopped
        lines = _text(out).splitlines()
        if child.returncode == 0 and lines:
            return json.loads(lines[-1])
        return _crash(child.returncode, _text(err))


def _watch(child: subprocess.Popen, limits: Limits) -> Outcome | None:
    """Waits for the end of a process, or for it to pass a limit.

    Its resident set is what is looked at: JAX reserves far more addresses than it uses.
    """
    started = time.monotonic()
    while True:
        try:
            child.wait(_POLL_SECONDS)
            return None
        except subprocess.TimeoutExpired:
            pass
        if limits.seconds is not None and time.monotonic() - started > limits.seconds:
            return Outcome("out of time", f"not done after {limits.seconds:g} s")
        if limits.memory_mb is not None and resident_mb(child.pid) > limits.memory_mb:
            return Outcome("out of memory", f"took more than {limits.memory_mb / 1e3:g} GB")


def _crash(code: int, errors: str) -> Outcome:
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "no message")
    if code == -9:
        return Outcome("out of memory", "killed by the operating system, probably for lack of memory")
    starved = any(sign in errors for sign in ("bad_alloc", "RESOURCE_EXHAUSTED", "Out of memory"))
    return Outcome("out of memory" if starved else "failed", f"ended with status {code}: {last[:300]}")


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
