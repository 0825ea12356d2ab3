"""What `run.json` says of a run, and the run made of it again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from .._run_files import read_run, shown, write_file
from .._setup import Options, Setup, prepare
from ._environment import environment

NAME = "run.json"


def write_record(directory: Path, setup: Setup) -> dict[str, Any]:
    """Writes the setup with its environment, and returns them."""
    record = _plain(setup.describe()) | {"environment": environment()}
    write_json(directory, NAME, record)
    return record


def write_json(directory: Path, name: str, content: dict[str, Any]) -> None:
    """Writes an object as a whole. Raises `UnwritableError`."""
    write_file(directory, name, (json.dumps(content, indent=2) + "\n").encode())


def recorded_setup(directory: Path) -> Setup:
    """The setup that a run was made with.

    Raises `ValueError` or `TypeError`, with a sentence, for a damaged record, and where what is
    installed makes another setup of the same words.
    """
    record = read_run(directory)
    options = dataclasses.replace(
        _options(record.get("options"), directory), precision=record.get("precision")
    )
    setup = prepare(record["problem"], record["seed"], options)
    check_same(setup, record, directory)
    return setup


def check_same(setup: Setup, record: dict[str, Any], directory: Path) -> None:
    """Raises `ValueError` at the first setting in which a setup differs from what is recorded."""
    for name, value in _plain(setup.describe()).items():
        if name not in ("options", "notes"):
            _compare(record.get(name), value, name, directory)


def _compare(old: Any, new: Any, name: str, directory: Path) -> None:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for field in old:
            _compare(old[field], new[field], f"{name}.{field}", directory)
    elif old != new:
        raise ValueError(
            f"The run in {shown(directory)} has `{name}` {_short(old)}, and what is asked for now "
            f"{_short(new)}; give the same options as then, or another directory."
        )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _options(found: Any, directory: Path) -> Options:
    """Options as they were recorded, each of its own kind."""
    defaults = dataclasses.asdict(Options())
    if not isinstance(found, dict) or not found.keys() <= defaults.keys():
        raise ValueError(f"{shown(directory / NAME)} is damaged: `options` is not what `stde solve` writes.")
    for name, value in found.items():
        if not _fits(value, name, isinstance(defaults[name], tuple)):
            raise ValueError(f"{shown(directory / NAME)} is damaged: `options.{name}` is {_short(value)}.")
    return Options(**found)


def _fits(value: Any, name: str, several: bool) -> bool:
    if several:
        return isinstance(value, list) and all(isinstance(text, str) for text in value)
    kind = {"dim": int, "steps": int, "gpinn_weight": int | float}.get(name, str)
    return value is None or (isinstance(value, kind) and not isinstance(value, bool))


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from JSON."""
    return json.loads(json.dumps(content))
