"""One request in this process: `python -m benchmarks._worker REQUEST`, JSON to JSON.

To check tasks, to measure one, to say what command lines of `stde solve` mean, to carry one out, or to fit
an affine network in place of one.
"""

import dataclasses
import importlib
import json
import math
import os
import statistics
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stde_cli import main as stde

from stde_core.plugins import describe
from stde_pdes.runs import environment

from ._affine import affine_error
from ._meaning import meaning
from ._outcome import Outcome
from ._sources import CHECKOUT, commit_of, sources_of_stde
from ._task import Task
from ._work import Ready

# Tasks by the name of their command, each a dataclass with `build()` and `refuses()`.
_TASKS = {"step": "benchmarks._step:StepTask", "operators": "benchmarks._operators:OperatorTask"}
_OPTIONAL = ("folx", "torch")
_LEAST_CALLS = 3


def main() -> None:
    """Answers one request, on the last line of stdout."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    request = json.loads(sys.argv[1])
    if "solve" in request:
        sys.argv = ["stde", "solve", *request["solve"]]
        stde()  # ends this process
    print("\n" + json.dumps(_answer(request), default=repr), flush=True)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if "check" in request:
        return _check(request)
    if "meanings" in request:
        return {"environment": _environment(), "meanings": [meaning(text) for text in request["meanings"]]}
    if "affine" in request:
        return affine_error(request["affine"])
    return dataclasses.asdict(_measure(request))


def _end_with(parent: int) -> None:
    """Ends this process when its parent has gone without a word."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _task(name: str, fields: dict[str, Any]) -> Task:
    module, _, cls = _TASKS[name].partition(":")
    return getattr(importlib.import_module(module), cls)(**fields)


def _check(request: dict[str, Any]) -> dict[str, Any]:
    """The environment, and for each task why it cannot be done, if so."""
    refusals = [_refusal(_task(request["command"], fields)) for fields in request["check"]]
    return {"environment": _environment(), "refusals": refusals}


def _refusal(task: Task) -> str | None:
    try:
        reason = task.refuses()
        return reason and f"Method `{task.method}` {reason}."
    except (ValueError, TypeError, ImportError) as error:
        return str(error)


def _environment() -> dict[str, Any]:
    found = environment()
    for name in _OPTIONAL:
        try:
            found["versions"][name] = version(name)
        except PackageNotFoundError:
            continue
    found["matmul_precision"] = "highest"
    found["sources"] = sources_of_stde()
    found["commit"] = commit_of(CHECKOUT)
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        found["cpus"] = len(os.sched_getaffinity(0))
    return found


def _measure(request: dict[str, Any]) -> Outcome:
    try:
        ready = _task(request["command"], request["task"]).build().ready()
        outcome = time_calls(ready, request["seconds"])
    except Exception as error:
        return Outcome("out of memory" if _is_memory(error) else "failed", describe(error)[:300])
    limit = request["memory_limit_mb"]
    if outcome.peak_memory_mb and limit and outcome.peak_memory_mb > limit:  # on a GPU nobody else looks
        return Outcome("out of memory", f"took {outcome.peak_memory_mb:.0f} MB of {limit:.0f}")
    return outcome


def time_calls(ready: Ready, seconds: float) -> Outcome:
    """Calls for about so many seconds, at least three times, after two calls to warm up."""
    loss = ready.call(0)
    ready.call(1)
    times: list[float] = []
    while len(times) < _LEAST_CALLS or sum(times) < seconds:
        started = time.perf_counter()
        ready.call(len(times) + 2)
        times.append(time.perf_counter() - started)
    return Outcome(
        "ok",
        seconds=statistics.median(times),
        calls=len(times),
        trace_seconds=ready.trace_seconds,
        compile_seconds=ready.compile_seconds,
        peak_memory_mb=ready.peak_memory_mb(),
        loss=loss if math.isfinite(loss) else None,
    )


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        sign in str(error) for sign in ("RESOURCE_EXHAUSTED", "out of memory", "bad_alloc", "can't allocate")
    )


if __name__ == "__main__":
    main()
