"""The directory of a run: made, and held by one process at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._run_files import shown


@contextmanager
def own_directory(out: str | None, name: str, *, resume: bool) -> Iterator[Path]:
    """The directory of a run, for this process alone: `out`, or a new `runs/NAME-TIME`.

    With `resume` it may hold files. The lock is the kernel's, and ends with the process. Raises
    `ValueError` where `out` is taken, not empty, held by another run or cannot be written to.
    """
    path = _unused(Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}") if out is None else Path(out)
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileExistsError as error:
        raise ValueError(f"`--out` {shown(path)} is a file; name a directory.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(
            f"`--out` {shown(path)} cannot be written to ({reason}); name a directory that can."
        ) from error
    try:
        _lock(descriptor, path)
        _check_usable(path, resume)
        yield path
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ValueError(
            f"{shown(path)} is in use by another run; wait for its end, or name another `--out`."
        ) from error


def _check_usable(path: Path, resume: bool) -> None:
    if not resume and any(path.iterdir()):
        raise ValueError(
            f"`--out` {shown(path)} is not an empty directory; name a new one, or go on with the run "
            "in it by `--resume`."
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"`--out` {shown(path)} cannot be written to; name a directory that can.")


def _unused(path: Path) -> Path:
    candidates = (path if i == 1 else path.with_name(f"{path.name}-{i}") for i in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())
