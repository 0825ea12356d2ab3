"""The settings of a run as a TOML file: written by each run, read by `stde solve --config`."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

from stde_core.checks import in_short, unknown_name

from .files import shown, write_file
from .setup import Options, Setup

NAME = "settings.toml"
_SINGLE = {
    "dim": "dim",
    "steps": "steps",
    "estimator": "estimator_name",
    "model": "model_name",
    "gpinn_weight": "gpinn_weight",
    "precision": "precision",
}
_TABLES = {
    "problem_options": "problem",
    "estimator_options": "estimator",
    "model_options": "model",
    "training_options": "training",
}


def write_config(directory: Path, setup: Setup) -> None:
    """Writes the options that a run was asked with."""
    lines = [f"problem = {json.dumps(setup.file or setup.name)}", f"seed = {setup.seed}"]
    for key, field in _SINGLE.items():
        value = getattr(setup.options, field)
        lines += [] if value is None else [f"{key} = {json.dumps(value)}"]
    for table, field in _TABLES.items():
        pairs = [option.partition("=") for option in getattr(setup.options, field)]
        lines += [f"\n[{table}]"] if pairs else []
        lines += [f"{json.dumps(name)} = {json.dumps(value)}" for name, _, value in pairs]
    write_file(directory, NAME, ("\n".join(lines) + "\n").encode())


def read_config(
    path: Path, problem: str | None, seed: int | None, options: Options
) -> tuple[str | None, int | None, Options]:
    """Problem, seed and options of a file, where the command line does not say otherwise.

    Raises `ValueError` for a file that is missing, is no TOML, or holds what `stde solve` has no option for.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"`--config` {shown(path)} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"`--config` {shown(path)} is no TOML: {error}.") from error
    known = ["problem", "seed", *_SINGLE, *_TABLES]
    for key in content:
        if key not in known:
            raise ValueError(f"`--config` {shown(path)}: {unknown_name('setting', key, known)}")
    changes: dict[str, Any] = {}
    for key, field in _SINGLE.items():
        if getattr(options, field) is None and key in content:
            changes[field] = _of_kind(path, key, content[key])
    for table, field in _TABLES.items():
        # What comes later counts, so that the command line has the last word.
        changes[field] = (*_texts(path, table, content.get(table, {})), *getattr(options, field))
    found, number = content.get("problem"), content.get("seed")
    problem = problem if problem is not None else None if found is None else _text(path, "problem", found)
    seed = seed if seed is not None else None if number is None else _of_kind(path, "seed", number)
    return problem, seed, dataclasses.replace(options, **changes)


def _of_kind(path: Path, key: str, value: Any) -> Any:
    kind = {"dim": int, "steps": int, "seed": int, "gpinn_weight": float}.get(key, str)
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise ValueError(f"`--config` {shown(path)}: `{key}` needs a {kind.__name__}, got {in_short(value)}.")
    return value


def _text(path: Path, key: str, value: Any) -> str:
    return _of_kind(path, key, value)


def _texts(path: Path, table: str, given: Any, prefix: str = "") -> list[str]:
    """`name=value` options from a table and the tables in it."""
    if not isinstance(given, dict):
        raise ValueError(
            f"`--config` {shown(path)}: `{table}` needs a table `[{table}]`, got {in_short(given)}."
        )
    found: list[str] = []
    for name, value in given.items():
        if isinstance(value, dict):
            found += _texts(path, table, value, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}={str(value).lower() if isinstance(value, bool) else value}")
    return found
