"""The files of a run's directory: read without trust, as JSON of bounded size, and written as a whole."""

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

# Bytes: of metrics so many as ten days give, at a line a second.
_MOST, _MOST_METRICS = 2**22, 2**27
_RUN = {
    "problem": str,
    "dim": int,
    "problem_fields": dict,
    "estimator": str,
    "estimator_fields": dict,
    "model": dict,
    "training": dict,
    "seed": int,
    "notes": list,
    "environment": dict,
}
_LINE = {"step": int, "loss": float, "seconds": float, "steps_per_second": float}
_RESULT = {
    "steps": int,
    "relative_l1": float,
    "relative_l2": float,
    "trivial_relative_l2": float,
    "seconds": float,
    "steps_per_second": float,
    "peak_memory_mb": float,
}
# What may be absent, or null.
_OPTIONAL = {
    "model_name": str,
    "precision": str,
    "step": int,
    "loss": float,
    "test_points": int,
    "parameters": int,
    "relative_l1": float,
    "relative_l2": float,
    "relative_error_origin": float,
    "trivial_relative_l2": float,
    "affine_relative_l2": float,
}
# Not through a link, and not waiting for the other end of a pipe, where there are such; bytes as they are.
_TO_READ = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_KINDS = {str: "a text", int: "an integer", float: "a number", dict: "an object", list: "a list"}


def read_run(directory: Path) -> dict[str, Any]:
    """What `run.json` holds: the setup of the run, and its environment.

    Raises `ValueError` where `directory` is not that of a run, or the file is damaged.
    """
    if not os.path.isdir(directory):
        raise ValueError(f"{shown(directory)} is not a directory; name one that `stde solve` wrote.")
    content = read_file(directory, "run.json")
    if content is None:
        raise ValueError(
            f"{shown(directory)} holds no run.json, so it is not the directory of a run; "
            "name one that `stde solve` wrote."
        )
    return _record(content, _RUN, shown(directory / "run.json"))


def read_metrics(directory: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`; none where there is no such file.

    A last line that was cut before its end is left out. Raises `ValueError` for a damaged file.
    """
    content = read_file(directory, "metrics.jsonl", _MOST_METRICS) or b""
    *complete, _ = content.split(b"\n")
    where = shown(directory / "metrics.jsonl")
    return [_record(line, _LINE, f"{where}, line {number},") for number, line in enumerate(complete, 1)]


def read_result(directory: Path) -> dict[str, Any] | None:
    """What `result.json` holds, or None where the run has not come to its end.

    Raises `ValueError` for a damaged file.
    """
    content = read_file(directory, "result.json")
    return None if content is None else _record(content, _RESULT, shown(directory / "result.json"))


def read_file(directory: Path, name: str, most: int = _MOST) -> bytes | None:
    """The bytes of one file of the directory, or None where there is none.

    Raises `ValueError` as `open_file` does, and for more than `most` bytes.
    """
    with open_file(directory, name) as file:
        # No more than there is: so many bytes are reserved before they are read.
        content = None if file is None else file.read(min(os.fstat(file.fileno()).st_size, most + 1))
    if content is not None and len(content) > most:
        raise ValueError(f"{shown(directory / name)} has more than {most} bytes, and no run writes so many.")
    return content


@contextlib.contextmanager
def open_file(directory: Path, name: str) -> Iterator[BinaryIO | None]:
    """One file of the directory to be read, or None where there is none.

    Raises `ValueError` for what is not a regular file, links included, and for what cannot be read.
    """
    path = directory / name
    try:
        descriptor = os.open(path, _TO_READ)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        reason = "is a link" if path.is_symlink() else f"cannot be read ({error.strerror})"
        raise ValueError(f"{shown(path)} {reason}; a run's directory needs a file of its own.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{shown(path)} is not a file; a run's directory needs a file of its own.")
    with open(descriptor, "rb") as file:
        yield file


class UnwritableError(ValueError):
    """A file that cannot be written: the disk is full, or the directory is gone."""


def write_file(directory: Path, name: str, content: bytes) -> Path:
    """Writes one file of the directory as a whole. Raises `UnwritableError` as `writing` does."""
    with writing(directory, name) as file:
        file.write(content)
    return directory / name


@contextlib.contextmanager
def writing(directory: Path, name: str) -> Iterator[BinaryIO]:
    """A file of the directory to be written, which is there as a whole or, where that fails, as it was.

    A link of that name is replaced, not followed. Raises `UnwritableError` where it cannot be written.
    """
    path, part = directory / name, directory / f".{name}.part"
    try:
        part.unlink(missing_ok=True)
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise UnwritableError(
            f"{shown(path)} cannot be written ({error.strerror}); make room for it."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """A path in a sentence, on one line whatever characters are in it."""
    text = str(path)
    return f"`{text if text.isprintable() else ascii(text)}`"


def _record(content: bytes, required: Mapping[str, type], where: str) -> dict[str, Any]:
    """A JSON object with the required fields, of the right kinds."""
    try:
        record = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is damaged: it is not JSON in UTF-8 ({error}).") from error
    if not isinstance(record, dict):
        raise ValueError(f"{where} is damaged: it needs to be a JSON object, got {_kind_of(record)}.")
    missing = [name for name in required if name not in record]
    if missing:
        raise ValueError(f"{where} is damaged: `{missing[0]}` is missing.")
    known = {name: kind for name, kind in _OPTIONAL.items() if record.get(name) is not None}
    return record | {
        name: _checked(record[name], kind, name, where) for name, kind in {**known, **required}.items()
    }


def _checked(value: Any, kind: type, name: str, where: str) -> Any:
    """The value, if it is of the kind; integers may stand for numbers."""
    fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
    if not fits:
        raise ValueError(f"{where} is damaged: `{name}` needs {_KINDS[kind]}, got {_kind_of(value)}.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"{where} is damaged: `{name}` is too large a number.")
    return float(value) if kind is float else value


def _kind_of(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _KINDS[type(value)]
