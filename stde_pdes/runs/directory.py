"""The directory of a run: made, and held by one process at a time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .files import shown
from .record import NAME as RECORD

LOCK = ".lock"


@contextmanager
def own_directory(out: Path | None, name: str, *, resume: bool) -> Iterator[Path]:
    """The directory of a run, for this process alone: `out`, or a new `runs/NAME-TIME`.

    With `resume` it may hold a run. The lock is the kernel's, on an empty file `.lock` in the directory that
    may stay there, and ends with the process. Raises `ValueError` where `out` is taken, not empty, held
    by another run or cannot be written to.
    """
    path = _unused(Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}") if out is None else out
    _make(path)
    if not (path / LOCK).exists():
        _check_usable(path, resume)  # before a file is left where no run will be
    with _locked(path):
        _check_usable(path, resume)
        yield path


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ValueError(f"`--out` {shown(path)} is a file; name a directory.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unwritable(path, f" ({reason})") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"{shown(path)} is in use by another run; wait for its end, or name another `--out`."
        ) from error
    except OSError as error:
        raise _unwritable(path, f" ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


def _check_usable(path: Path, resume: bool) -> None:
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _unwritable(path)
    names = {entry.name for entry in path.iterdir()} - {LOCK}
    if names and not resume:
        raise ValueError(
            f"`--out` {shown(path)} is not an empty directory; name a new one, or go on with the run "
            "in it by `--resume`."
        )
    if names and RECORD not in names:
        raise ValueError(f"{shown(path)} holds files but no run to go on with; name another `--out`.")


def _unwritable(path: Path, reason: str = "") -> ValueError:
    return ValueError(f"`--out` {shown(path)} cannot be written to{reason}; name a directory that can.")


def _unused(path: Path) -> Path:
    candidates = (path if i == 1 else path.with_name(f"{path.name}-{i}") for i in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())
