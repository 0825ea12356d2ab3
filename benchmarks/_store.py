"""Finished runs in a directory, a file each, so that an interrupted bench goes on where it was."""

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

from ._solve import Run, Solved


@dataclasses.dataclass(frozen=True)
class Store:
    """The files `rows/RUN.json` of a directory.

    A run is known again by its identity: versions, device, precision, and all settings. A file with
    another identity does not count, and is written over by the next run of its name. One that differs
    by the hash of the sources alone, or has none, counts and is called older: whoever changes code that
    bears on it asks for it `again`.
    """

    directory: Path

    def find(self, run: Run, identity: dict[str, Any]) -> Solved | None:
        """The run, if it has been made with this identity."""
        try:
            kept = json.loads(self._path(run).read_text(encoding="utf-8"))
            made_with, wanted = kept["identity"], _plain(identity)
            older = made_with.pop("sources", None) != wanted.pop("sources")
            if made_with != wanted:
                return None
            solved = kept["solved"]
            return Solved(**solved | {"errors": tuple(map(tuple, solved["errors"])), "older": older})
        except (OSError, ValueError, TypeError, KeyError):  # what is no such file counts as none
            return None

    def holds(self, run: Run) -> bool:
        """Whether there is a file for the run, of whatever identity."""
        return self._path(run).exists()

    def keep(self, run: Run, identity: dict[str, Any], solved: Solved) -> None:
        """Writes a run, all at once or not at all."""
        path = self._path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "command": " ".join(["stde solve", *run.arguments]),
            "solved": {name: value for name, value in dataclasses.asdict(solved).items() if name != "older"},
            "identity": _plain(identity),
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)

    def _path(self, run: Run) -> Path:
        name = re.sub(r"[^\w.=]+", "-", " ".join(run.arguments)).strip("-")
        return self.directory / "rows" / f"{name}.json"


def open_store(directory: str | Path) -> Store:
    """The store in a directory, made if need be.

    Raises `ValueError` where it cannot be written to.
    """
    path = Path(directory)
    try:
        (path / "rows").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`--out {path}` cannot be written to ({error.strerror}); name a directory that can."
        ) from error
    return Store(path)


def _plain(identity: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from a file."""
    return json.loads(json.dumps(identity, default=repr))
