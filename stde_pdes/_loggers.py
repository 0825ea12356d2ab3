"""Loggers, which pass on what is measured while a run goes on, and several of them at once."""

import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stde_core.checks import in_short
from stde_core.plugins import build, describe


class AbstractLogger(ABC):
    """Takes a run's metrics somewhere else. The methods are called in the order in which they stand here.

    A logger may raise whatever it likes: it is reported in one line and dropped, and the run goes on.
    What is missing for it to work, such as a package, is best said by its constructor, before the run.
    """

    @abstractmethod
    def start(self, directory: Path, run: Mapping[str, Any]) -> None:
        """The run's directory, which exists, and what its `run.json` holds."""

    @abstractmethod
    def record(self, metrics: Mapping[str, Any]) -> None:
        """One line of `metrics.jsonl`: step, loss, seconds, steps_per_second, and at times errors.

        Errors that were not measured are absent or None. A run that goes back to a checkpoint goes
        back in its steps too.
        """

    @abstractmethod
    def finish(self, result: Mapping[str, Any] | None) -> None:
        """What `result.json` holds, or None where the run ended without one."""


class Loggers:
    """Feeds several loggers by name. A logger that raises is reported in one line and dropped.

    None of the methods raises, except for interrupts. `announce` takes the lines.
    """

    def __init__(self, loggers: Mapping[str, AbstractLogger], announce: Callable[[str], None]):
        self.loggers, self.announce = dict(loggers), announce

    def start(self, directory: Path, run: Mapping[str, Any]) -> None:
        self._tell("start", directory, run)

    def record(self, metrics: Mapping[str, Any]) -> None:
        self._tell("record", metrics)

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self._tell("finish", result)

    def _tell(self, method: str, *told: Any) -> None:
        for name, logger in list(self.loggers.items()):
            try:
                getattr(logger, method)(*copy.deepcopy(told))  # so that none of them can change the run
            except (Exception, SystemExit) as error:
                del self.loggers[name]
                self.announce(f"Logger `{name}` failed and is dropped; the run goes on: {describe(error)}.")


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def open_loggers(names: Iterable[str], announce: Callable[[str], None] = _print) -> Loggers:
    """The registered loggers of these names, each once.

    Raises `TypeError` for what is no list of names, `ValueError` for unknown names, and `ImportError`
    for a logger whose package is absent.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(
            f'`open_loggers(names)` needs a list of names, got {in_short(names)}; write ["tensorboard"].'
        )
    return Loggers({name: _built(name) for name in dict.fromkeys(names)}, announce)


def _built(name: str) -> AbstractLogger:
    logger = build("loggers", name, {})
    if not isinstance(logger, AbstractLogger):
        raise TypeError(f"Logger {name!r} needs to be a `stde_pdes.AbstractLogger`, got {logger!r}.")
    return logger
