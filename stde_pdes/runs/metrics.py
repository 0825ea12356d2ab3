"""The metrics of a run, line by line."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from ..training import Progress
from .files import UnwritableError, read_metrics, shown, write_file

NAME = "metrics.jsonl"
_FIELDS = ("step", "loss", "seconds", "steps_per_second", "losses", "parameters")


class Metrics:
    """The lines of `metrics.jsonl`, in memory and in the file."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.lines: list[Any] = []

    def begin(self, step: int) -> None:
        """Keeps what was written up to a step, and forgets what came after it."""
        self.lines = [line for line in read_metrics(self.directory) if line["step"] <= step]
        write_file(self.directory, NAME, "".join(map(_text, self.lines)).encode())

    def add(self, progress: Progress) -> dict[str, Any]:
        """Appends a line. Raises `UnwritableError` where it cannot be written."""
        line = {
            name: getattr(progress, name) for name in _FIELDS if getattr(progress, name) not in ({}, None)
        }
        line |= {} if progress.errors is None else dataclasses.asdict(progress.errors)
        self.lines.append(line)
        try:
            with open(self.directory / NAME, "a", encoding="utf-8") as file:
                file.write(_text(line))
        except OSError as error:
            where = shown(self.directory / NAME)
            raise UnwritableError(
                f"{where} cannot be written ({error.strerror}); make room for it."
            ) from error
        return line


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line) + "\n"
