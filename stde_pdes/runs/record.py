"""What `run.json` says of a run, and the run made of it again."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..problem import Problem
from .checkpoint import NAME as CHECKPOINT
from .environment import are_versions, check_versions, environment
from .files import RunRecord, read_run, shown, write_json
from .identity import check_identity
from .setup import Options, Setup, prepare

NAME = "run.json"


def write_record(directory: Path, setup: Setup, identity: str | None, start: Path | None) -> dict[str, Any]:
    """Writes the setup with its environment, and returns them; `start` is the run that it begins with."""
    record = _plain(setup.describe()) | {"identity": identity, "start": None if start is None else str(start)}
    record |= {"environment": environment()}
    write_json(directory, NAME, record)
    return record


def recorded_setup(directory: Path, problem: Problem | None = None, changes: Mapping[str, Any] = {}) -> Setup:
    """The setup that a run was made with; of a problem that is not registered, with the one that is given.

    Raises `ValueError` or `TypeError`, with a sentence, for a damaged record, and where what is
    installed makes another setup of the same words.
    """
    record = read_run(directory)
    if record.get("identity") is not None and problem is None:
        where = record.get("file") or "Python"
        raise ValueError(
            f"The run in {shown(directory)} is of a problem that is not registered, but written in {where}; "
            "give it: `load(directory, problem=…)`, or `--problem FILE`."
        )
    options = dataclasses.replace(
        _options(record.get("options"), directory), precision=record.get("precision")
    )
    target = record["problem"] if record.get("identity") is None else problem
    assert target is not None
    setup = prepare(
        target, record["seed"], options, changes=changes, name=record["problem"], file=record.get("file")
    )
    check_same(setup, record, directory)
    return setup


def check_same(setup: Setup, record: Mapping[str, Any], directory: Path) -> None:
    """Raises `ValueError` at the first setting in which a setup differs from what is recorded."""
    for name, value in _plain(setup.describe()).items():
        if name not in ("options", "notes"):
            _compare(record.get(name), value, name, directory)


def _compare(old: Any, new: Any, name: str, directory: Path) -> None:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for field in old:
            _compare(old[field], new[field], f"{name}.{field}", directory)
    elif _are_same_parts(old, new):  # stages or weightings, told by their own names
        for was, now in zip(old, new, strict=True):
            _compare(was, now, f"{name.partition('.')[0]}.{now['name']}", directory)
    elif old != new:
        raise ValueError(
            f"The run in {shown(directory)} has `{name}` {_short(old)}, and what is asked for now "
            f"{_short(new)}; give the same options as then, or another directory."
        )


def _are_same_parts(old: Any, new: Any) -> bool:
    """Whether both are lists of objects with the same names."""
    if not (isinstance(old, list) and isinstance(new, list) and old and len(old) == len(new)):
        return False
    names = [
        {part.get("name") if isinstance(part, dict) else None for part in pair}
        for pair in zip(old, new, strict=True)
    ]
    return all(len(name) == 1 and None not in name for name in names)


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


def resumed_record(
    directory: Path, setup: Setup, identity: str | None, start: Path | None
) -> RunRecord | None:
    """What `run.json` holds of the run that is to go on; None where the directory holds no run yet.

    Raises `ValueError` where it is damaged, or of the run of another setup or version.
    """
    if not os.path.lexists(directory / NAME):
        return None
    record = read_run(directory)
    check_same(setup, record, directory)
    _compare(record.get("start"), None if start is None else str(start), "start", directory)
    check_identity(record.get("identity"), identity, directory)
    versions: Any = record["environment"].get("versions")
    if not are_versions(versions):
        raise ValueError(f"{shown(directory / NAME)} is damaged: `environment.versions` holds no versions.")
    check_versions(versions, environment()["versions"], f"The run in {shown(directory)} was begun")
    return record


def remark(directory: Path, record: Mapping[str, Any] | None) -> str:
    """Where a run that is resumed begins, and what is not as it was."""
    if record is None:
        return f"There is no run in {shown(directory)} yet; starting at step 0."
    if not (directory / CHECKPOINT).exists():
        return f"The run in {shown(directory)} has no checkpoint yet; starting at step 0."
    device, here = record["environment"].get("device"), environment()["device"]
    if device != here:
        return f"The run in {shown(directory)} was begun on {device}, and goes on on {here}."
    return f"Going on with the run in {shown(directory)}."
