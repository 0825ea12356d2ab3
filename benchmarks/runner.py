"""Measurements in processes of their own, in turn, within limits on time and memory."""

import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import psutil
from jaxtyping import Array
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from stde_core.checks import unknown_name
from stde_core.plugins import describe
from stde_pdes.memory import peak_memory_mb, resident_mb

from .rows import CHECKOUT, Row, append_row, environment, file_of, origin

_POLL_SECONDS = 0.05
_LEAST_CALLS = 3
_STARVED = (
    "bad_alloc",
    "RESOURCE_EXHAUSTED",
    "out of memory",
    "Out of memory",
    "can't allocate",
    "MemoryError",
)


class Ready(NamedTuple):
    """What is compiled: `call(step)` does it once, waits for the end, and returns the loss."""

    call: Callable[[int], float]
    trace_seconds: float
    compile_seconds: float
    peak_memory_mb: Callable[[], float]


@dataclass(frozen=True)
class Work:
    """`function(state, step, *arguments) -> (result, loss)`, to be compiled and timed.

    Where it `advances`, the result is the next state; with `donates`, the state's buffers are given away to
    it.
    """

    function: Callable[..., tuple[Any, Array]]
    state: Any
    arguments: tuple[Any, ...] = ()
    advances: bool = False
    donates: bool = True

    def ready(self) -> Ready:
        """Traces and compiles, each with its time. Products are in full precision."""
        started = time.perf_counter()
        with jax.default_matmul_precision("highest"):
            jitted = jax.jit(self.function, donate_argnums=(0,) if self.advances and self.donates else ())
            lowered = jitted.trace(self.state, 0, *self.arguments).lower()
        traced = time.perf_counter()
        compiled, state = lowered.compile(), self.state
        compile_seconds = time.perf_counter() - traced

        def call(step: int) -> float:
            nonlocal state
            result, loss = jax.block_until_ready(compiled(state, step, *self.arguments))
            state = result if self.advances else state
            return float(loss)

        return Ready(call, traced - started, compile_seconds, peak_memory_mb)


def time_calls(ready: Ready, seconds: float) -> Row:
    """The median time of calls for about so many seconds, three at least, after two calls to warm up.

    `loss` is that of the first call, the same for all methods that compute the same.
    """
    loss, _ = ready.call(0), ready.call(1)
    times: list[float] = []
    while len(times) < _LEAST_CALLS or sum(times) < seconds:
        started = time.perf_counter()
        ready.call(len(times) + 2)
        times.append(time.perf_counter() - started)
    prepared = {"trace_seconds": ready.trace_seconds, "compile_seconds": ready.compile_seconds}
    found = {"seconds": statistics.median(times), "calls": len(times), **prepared}
    return found | {"peak_memory_mb": ready.peak_memory_mb(), "loss": loss if math.isfinite(loss) else None}


# --- a process


class Limits(NamedTuple):
    """What one process may take: seconds from start to end, and MB; None for no bound."""

    seconds: float | None = None
    memory_mb: float | None = None


NO_LIMITS = Limits()


def ask(function: str, arguments: dict[str, Any], limits: Limits = NO_LIMITS) -> Row:
    """What `module:function` returns in a new process, a dict, with `status` "ok".

    Or `status` "out of time", "out of memory" or "failed", with a `reason`. The process does not outlive this
    call, however it ends.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = [sys.executable, "-m", "benchmarks.runner", function, json.dumps(arguments)]
        child = subprocess.Popen(command, cwd=CHECKOUT, stdout=out, stderr=err)
        try:
            stopped = _watch(child, limits)
        finally:
            child.kill()
            child.wait()
        for file in (out, err):
            file.seek(0)
        lines, errors = out.read().splitlines(), err.read()
    if stopped is not None:
        return stopped
    answer = json.loads(lines[-1]) if child.returncode == 0 and lines else _crash(child.returncode, errors)
    taken, most = answer.get("peak_memory_mb"), limits.memory_mb
    if taken and most and taken > most:  # on a GPU, where nobody else looks
        return {"status": "out of memory", "reason": f"took {taken:.0f} MB of {most:.0f}"}
    return answer


def answered(answer: Row) -> Row:
    """An answer that is one. Raises `RuntimeError` where the process failed."""
    if answer["status"] != "ok":
        raise RuntimeError(f"The first process of `python -m benchmarks` {answer['reason']}")
    return answer


def _watch(child: "subprocess.Popen[bytes]", limits: Limits) -> Row | None:
    """Waits for the end of a process, or for it to pass a limit.

    Its resident set is what is looked at: JAX reserves far more addresses than it uses.
    """
    started = time.monotonic()
    while child.poll() is None:
        if limits.seconds is not None and time.monotonic() - started > limits.seconds:
            return {"status": "out of time", "reason": f"not done after {limits.seconds:g} s"}
        if limits.memory_mb is not None and resident_mb(child.pid) > limits.memory_mb:
            return {"status": "out of memory", "reason": f"took more than {limits.memory_mb / 1e3:g} GB"}
        time.sleep(_POLL_SECONDS)
    return None


def _crash(code: int, errors: str) -> Row:
    if code == -9:
        return {
            "status": "out of memory",
            "reason": "killed by the operating system, probably for lack of memory",
        }
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "no message")
    return {"status": _status(errors), "reason": f"ended with status {code}: {last[:300]}"}


def _status(errors: str) -> str:
    return "out of memory" if any(sign in errors for sign in _STARVED) else "failed"


def main() -> None:
    """The child's side of `ask`: the answer is the last line of stdout."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    function, arguments = sys.argv[1:]
    module, _, name = function.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)(**json.loads(arguments))
        answer = {"status": "ok", "reason": "", **found}
    except Exception as error:
        answer = {"status": _status(repr(error)), "reason": describe(error)[:300]}
    print("\n" + json.dumps(answer, default=repr), flush=True)


def _end_with(parent: int) -> None:
    """Ends this process when its parent has gone without a word."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


# --- methods in turn


class Question(NamedTuple):
    """What is measured: `cases` hold the tasks, dicts with a `method`, that are compared with each other.

    - `methods`: all that there are; `named`: whether the caller named some.
    """

    title: str
    settings: dict[str, Any]
    cases: Sequence[Sequence[dict[str, Any]]]
    methods: Iterable[str]
    named: bool


def choose(what: str, asked: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """What was asked for, in the order of what there is; everything where nothing was.

    Raises `ValueError` for a name that does not exist.
    """
    known = list(known)
    for name in asked or ():
        if name not in known:
            raise ValueError(unknown_name(what, name, known))
    return [name for name in known if asked is None or name in asked]


def compare(
    study: str, question: Question, budget: dict[str, Any], reference: str, out: str | None
) -> list[Row]:
    """Measures every task, `repeats` times, each in a fresh process; a row for each of these.

    The methods of a case alternate, so that all see the same machine. One that failed, or ran out of memory
    or time, is not tried again. Methods that cannot do what they are asked are left out, in a row that says
    so; raises `ValueError` where the question has `named` them.

    - `study`: a module here with `refusal(task)`, why it cannot be done, if so, and `work(task)`, what is
      timed.
    - `budget`: `repeats`, `seconds` of timed calls, `memory_limit` in GB, and `time_limit` in seconds.
    - `out`: where rows are written to `STUDY.jsonl` as they come.
    """
    choose("method", [reference], question.methods)
    path = None if out is None else file_of(out, study)
    if path is not None and path.stat().st_size:
        raise ValueError(f"`--out {out}` already holds {path.name}; name another directory.")
    memory = budget["memory_limit"] or 0.9 * psutil.virtual_memory().total / 1e9
    limits = Limits(budget["time_limit"], 1e3 * memory)
    tasks, rows = [task for case in question.cases for task in case], list[Row]()

    def record(task: dict[str, Any], found: Row) -> None:
        rows.append(common | task | found)
        if path is not None:
            append_row(path, rows[-1])

    with Display(budget["repeats"] * len(tasks)) as display:
        display.begin("building the problems")
        checked = answered(ask("benchmarks.runner:check", {"study": study, "tasks": tasks}))
        common = {"study": study, "title": question.title} | origin() | checked["environment"]
        common |= {"settings": question.settings | budget, "reference": reference}
        given_up = []
        for task, reason in checked["refusals"]:
            if question.named or task["method"] == "stde":
                raise ValueError(reason)
            record(task, {"repeat": None, "status": "left out", "reason": reason})
            given_up.append(task)
        turns = [(task, n + 1) for case in question.cases for n in range(budget["repeats"]) for task in case]
        for task, repeat in turns:
            if task in given_up:
                display.skip(1)
                continue
            about = [
                f"{name} {task[name]}" for name in ("workload", "network", "dim", "inputs") if name in task
            ]
            display.begin(", ".join([*about, task["method"], f"repeat {repeat}"]))
            request = {"study": study, "task": task, "seconds": budget["seconds"]}
            found = ask("benchmarks.runner:measure", request, limits)
            if found["status"] != "ok":
                given_up.append(task)
            record(task, {"repeat": repeat, **found})
            display.end(_in_words(found))
    return rows


def _in_words(found: Row) -> str:
    if found["status"] != "ok":
        return f"{found['status']} ({found['reason']})"
    prepared = found["trace_seconds"] + found["compile_seconds"]
    memory, milliseconds = f"{found['peak_memory_mb']:.0f} MB", f"{1e3 * found['seconds']:.3g} ms"
    return f"{milliseconds} over {found['calls']} calls, {memory}, {prepared:.1f} s to compile"


def check(study: str, tasks: Sequence[dict[str, Any]]) -> Row:
    """The environment of the processes, and the tasks that cannot be done, each with a sentence.

    In a process of its own, so that the caller's own does not take hold of an accelerator.
    """
    module, refusals = importlib.import_module(f"benchmarks.{study}"), []
    for task in tasks:
        try:
            reason = module.refusal(task)
            sentence = reason and f"Method `{task['method']}` {reason}."
        except (ValueError, TypeError, ImportError) as error:
            sentence = str(error)
        refusals += [(task, sentence)] if sentence else []
    return {"environment": environment(), "refusals": refusals}


def measure(study: str, task: dict[str, Any], seconds: float) -> Row:
    """One task, measured in this process."""
    return time_calls(importlib.import_module(f"benchmarks.{study}").work(task).ready(), seconds)


class Display(Progress):
    """What goes on, on stderr: a live bar on a terminal, and a line for each that has ended."""

    def __init__(self, total: int):
        console = Console(file=sys.stderr, highlight=False, markup=False, soft_wrap=True)
        columns = (*Progress.get_default_columns(), TimeElapsedColumn())
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self.total, self.done, self.what, self.task = total, 0, "", self.add_task("", total=total)

    def begin(self, what: str) -> None:
        self.what = what
        self.update(self.task, description=what)

    def end(self, text: str) -> None:
        self.skip(1)
        self.console.print(f"{self.done}/{self.total}  {self.what}: {text}")

    def skip(self, count: int) -> None:
        self.done += count
        self.update(self.task, completed=self.done)


if __name__ == "__main__":
    main()
