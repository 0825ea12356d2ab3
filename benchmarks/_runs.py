"""All runs of a bench, one after the other, less those that are there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stde_pdes.runs import DECISIVE

from ._outcome import Outcome
from ._processes import Limits, ask
from ._schedule import Event
from ._solve import Run, Solved, carry_out, failed
from ._store import Store


@dataclass(frozen=True)
class Meanings:
    """What commands of `stde solve` mean, in the `environment` of the processes that carry them out.

    Of each command `dim`, `time` and `settings`, or a `refusal`.
    """

    environment: dict[str, Any]
    by_command: dict[str, dict[str, Any]]

    def run(self, command: str, scale: float, seed: int) -> Run:
        """A command with `scale` times its own steps, at least one."""
        training = self.by_command[command].get("settings", {}).get("training", {"steps": 1})
        steps = training["steps"] + sum(part["steps"] for part in training.values() if _is_stage(part))
        return Run(command, max(1, round(scale * steps)), seed)

    def identity(self, run: Run) -> dict[str, Any]:
        """All that determines a run, and what it is made with."""
        return {
            "versions": {name: self.environment["versions"][name] for name in DECISIVE},
            "device": self.environment["device"],
            "precision": self.environment["precision"],
            "sources": self.environment["sources"],
            "settings": self.by_command[run.command]["settings"],
            "steps": run.steps,
            "seed": run.seed,
        }


def _is_stage(part: Any) -> bool:
    """Whether a field of `Training` is an optimiser of its own."""
    return isinstance(part, dict) and "steps" in part


def ask_meanings(commands: Sequence[str]) -> Meanings:
    """What commands mean; in a new process, so that this one does not take hold of an accelerator.

    Raises `RuntimeError` where that process fails.
    """
    answer = ask({"meanings": list(commands)}, Limits())
    if isinstance(answer, Outcome):
        raise RuntimeError(f"The first process of `python -m benchmarks` {answer.reason}")
    return Meanings(answer["environment"], dict(zip(commands, answer["meanings"], strict=True)))


def solve_all(
    runs: Sequence[Run],
    meanings: Meanings,
    store: Store,
    time_limit: float,
    again: bool,
    finished: bool,
    report: Callable[[Event], None],
) -> dict[Run, Solved]:
    """What comes of every run; those in the store are made anew only if asked for `again`.

    What ended well is put into the store at once. What older sources made counts as there. With
    `finished`, what is not there is not run.
    `report` gets what goes on. Raises `ValueError` where both are asked for.
    """
    if again and finished:
        raise ValueError("`finished` runs nothing, and `again` everything; ask for one of them.")
    made: dict[Run, Solved] = {}
    for run in runs:
        refusal = meanings.by_command[run.command].get("refusal")
        found = failed("failed", refusal) if refusal else store.find(run, meanings.identity(run))
        if found and (refusal or not again):
            made[run] = found
    if finished:
        made = {run: failed("not run", "a call without `finished` runs it") for run in runs} | made
    waiting = [run for run in runs if run not in made]
    report(Event(len(made), len(runs), f"in {store.directory}", _found(made, waiting, store)))
    for position, run in enumerate(waiting, len(made) + 1):
        rest = waiting[position - len(runs) + len(waiting) :]
        what = " ".join(["stde solve", *run.arguments])
        report(Event(position, len(runs), what))
        made[run] = carry_out(run, time_limit)
        if made[run].status == "ok":
            store.keep(run, meanings.identity(run), made[run])
        report(Event(position, len(runs), what, f"{made[run]}{_time_left(made, rest)}"))
    return made


def _found(made: dict[Run, Solved], waiting: Sequence[Run], store: Store) -> str:
    stale = sum(store.holds(run) for run in waiting)
    kept = sum(solved.status == "ok" for solved in made.values())
    old = sum(solved.older for solved in made.values())
    older = f" ({old} made by older sources)" if old else ""
    anew = f", {stale} of them anew" if stale else ""
    return f"{kept} runs are there{older}, {f'{len(waiting)} to do{anew}' if waiting else 'nothing to do'}"


def _time_left(made: dict[Run, Solved], waiting: Sequence[Run]) -> str:
    """About how long the rest takes, by the time of a step of the same command, or of all."""
    rates: dict[str, float] = {
        run.command: solved.result["seconds"] / run.steps for run, solved in made.items() if solved.result
    }
    if not rates or not waiting:
        return ""
    mean = sum(rates.values()) / len(rates)
    seconds = sum(run.steps * rates.get(run.command, mean) for run in waiting)
    return f", about {max(1, round(seconds / 60))} min left"
