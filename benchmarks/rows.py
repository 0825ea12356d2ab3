"""Results: one JSON object a line, with all that says where, when and by which code it was measured."""

import contextlib
import functools
import hashlib
import importlib
import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import click

from stde_pdes.runs.environment import environment as environment_of_run

Row: TypeAlias = dict[str, Any]
"""One measurement: a line of a file of results."""

CHECKOUT = Path(__file__).parent.parent
CASES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))
_PACKAGES = ("stde_core", "stde_pdes", "stde_cli", "stde_estimators", "stde_loggers")


def writable(path: Path, option: str) -> Path:
    """A file that is there, its directory too. Raises `UsageError` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        sentence = f"`{option}`: {path} cannot be written ({error.strerror}); name another place."
        raise click.UsageError(sentence) from error
    return path


def file_of(directory: str, study: str) -> Path:
    """`STUDY.jsonl` in a directory, as `writable` has it."""
    return writable(Path(directory, f"{study}.jsonl"), "--out")


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; none where there is none. A line that was cut short counts as none."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            rows.append(json.loads(line))
    return rows


def append_row(path: Path, row: Row) -> None:
    """Adds a row to a file, whose last line may have been cut short."""
    with open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read(1) == b"\n" else b"\n")
        file.write(json.dumps(row, ensure_ascii=False, default=repr).encode() + b"\n")


def environment() -> Row:
    """Versions, code, device and precision of this process."""
    found = environment_of_run()
    del found["command"]
    for name in ("folx", "torch"):
        with contextlib.suppress(PackageNotFoundError):
            found["versions"][name] = version(name)
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        found["cpus"] = len(os.sched_getaffinity(0))
    return found | {
        "commit": commit_of(CHECKOUT),
        "sources": sources_of_stde(),
        "matmul_precision": "highest",
    }


def origin() -> Row:
    """The command that is being carried out, and when."""
    return {"command": shlex.join(["python", *sys.orig_argv[1:]]), "date": time.strftime("%Y-%m-%d %H:%M %z")}


@functools.cache
def sources_of_stde() -> str:
    """The hash of what is imported here as stde, its own plugins included."""
    return hash_of(Path(folder) for name in _PACKAGES for folder in importlib.import_module(name).__path__)


def hash_of(packages: Iterable[Path]) -> str:
    """The hash of the Python files in some folders: of content, and of path within the folder."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package.parent).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def commit_of(checkout: Path) -> str | None:
    """The commit, with "-changed" where Python files differ from it; None where there is no git."""
    if not (checkout / ".git").exists():  # perhaps a part of another repository
        return None

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=checkout, capture_output=True, text=True, check=True
        ).stdout.strip()

    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return git("rev-parse", "HEAD") + ("-changed" if git("status", "--porcelain", "--", "*.py") else "")
    return None
