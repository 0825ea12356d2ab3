"""The files of a run's directory: read without trust, in bounded size, and written as a whole.

The JSON in them is of the types below; fields that a type does not name are kept as they are.
"""

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NotRequired, TypedDict

import msgspec

# Bytes: of metrics so many as ten days give, at a line a second.
_MOST, _MOST_METRICS = 2**22, 2**27

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class RunRecord(TypedDict):
    """`run.json`: the setup of a run and its environment, enough to repeat it.

    - `file`, `identity`: of a problem of one's own, the file that holds it, if there is one, and a digest
      of its training step; null for a registered problem.
    - `model_name`, `model`: the network and its fields; null and none for a module of one's own.
    - `training`: its `stages` in their order, and other settings. Version 0.1 wrote `steps`, `batch`, … of
      Adam and parts `gauss_newton` and `lbfgs` in place of the stages.
    """

    problem: str
    file: NotRequired[str | None]
    identity: NotRequired[str | None]
    start: NotRequired[str | None]
    dim: Integer
    inputs: NotRequired[list[str] | None]
    outputs: NotRequired[list[str] | None]
    problem_fields: dict[str, Any]
    estimator: str
    estimator_fields: dict[str, Any]
    model_name: NotRequired[str | None]
    model: dict[str, Any]
    training: dict[str, Any]
    precision: NotRequired[str | None]
    seed: Integer
    options: NotRequired[Any]
    notes: list[Any]
    environment: dict[str, Any]


class MetricsLine(TypedDict):
    """A line of `metrics.jsonl`: the mean loss of a chunk of steps, and errors where they were measured."""

    step: Integer
    loss: float
    seconds: float
    steps_per_second: float
    losses: NotRequired[dict[str, float] | None]
    weights: NotRequired[dict[str, float] | None]
    parameters: NotRequired[dict[str, Any] | None]
    relative_l1: NotRequired[float | None]
    relative_l2: NotRequired[float | None]
    relative_error_origin: NotRequired[float | None]


class Residual(TypedDict):
    """The residual of a condition at points that training never saw, and where it is largest."""

    rms: float
    quantiles: dict[str, float]
    largest: float
    at: list[float] | None


class Result(TypedDict):
    """`result.json`: what came of a run. Errors are null or absent where there is no reference."""

    problem: NotRequired[str]
    dim: NotRequired[Integer]
    estimator: NotRequired[str]
    steps: Integer
    seed: NotRequired[Integer]
    parameters: NotRequired[Integer | None]
    loss: NotRequired[float | None]
    losses: NotRequired[dict[str, float] | None]
    weights: NotRequired[dict[str, float] | None]
    relative_l1: NotRequired[float | None]
    relative_l2: NotRequired[float | None]
    relative_l2_outputs: NotRequired[dict[str, float] | None]
    relative_error_origin: NotRequired[float | None]
    trivial_relative_l2: NotRequired[float | None]
    affine_relative_l2: NotRequired[float | None]
    test_points: NotRequired[Integer | None]
    residuals: NotRequired[dict[str, Residual] | None]
    found: NotRequired[dict[str, Any] | None]
    stopped: NotRequired[str | None]
    seconds: float
    steps_per_second: float
    peak_memory_mb: float
    out: NotRequired[str]
    notes: NotRequired[list[Any]]
    model_sha256: NotRequired[str]


def read_run(directory: Path) -> RunRecord:
    """What `run.json` holds. Raises `ValueError` where `directory` is no run's, or the file is damaged."""
    if not os.path.isdir(directory):
        raise ValueError(f"{shown(directory)} is not a directory; name one that `stde solve` wrote.")
    content = read_file(directory, "run.json")
    if content is None:
        raise ValueError(
            f"{shown(directory)} holds no run.json, so it is not the directory of a run; "
            "name one that `stde solve` wrote."
        )
    return _record(content, RunRecord, shown(directory / "run.json"))


def read_metrics(directory: Path) -> list[MetricsLine]:
    """The lines of `metrics.jsonl`; none where there is no such file.

    A last line that was cut before its end is left out. Raises `ValueError` for a damaged file.
    """
    content = read_file(directory, "metrics.jsonl", _MOST_METRICS) or b""
    *complete, _ = content.split(b"\n")
    where = shown(directory / "metrics.jsonl")
    return [_record(line, MetricsLine, f"{where}, line {number},") for number, line in enumerate(complete, 1)]


def read_result(directory: Path) -> Result | None:
    """What `result.json` holds, or None before the end of the run. Raises `ValueError` for a damaged file."""
    content = read_file(directory, "result.json")
    return None if content is None else _record(content, Result, shown(directory / "result.json"))


def _record(content: bytes, kind: Any, where: str) -> Any:
    try:
        # Not parsed by msgspec, which knows neither infinity nor NaN: a run that goes astray writes them.
        found = json.loads(content.decode("utf-8"))
        return found | msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        reason = str(error)[0].lower() + str(error)[1:]
    except (ValueError, RecursionError) as error:
        reason = f"it is not JSON in UTF-8 ({error})"
    raise ValueError(f"{where} is damaged: {reason}; put back what the run wrote, or start a new run.")


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
        mode = os.lstat(path).st_mode
        file = open(path, "rb") if stat.S_ISREG(mode) else None  # noqa: SIM115
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise ValueError(f"{shown(path)} cannot be read ({error.strerror}).") from error
    if file is None:
        what = "a link" if stat.S_ISLNK(mode) else "not a file"
        raise ValueError(f"{shown(path)} is {what}; a run's directory needs a file of its own.")
    with file:
        yield file


class UnwritableError(ValueError):
    """A file that cannot be written: the disk is full, or the directory is gone."""


def write_json(directory: Path, name: str, content: Mapping[str, Any]) -> Path:
    """Writes an object as a whole. Raises `UnwritableError` as `writing` does."""
    return write_file(directory, name, (json.dumps(content, indent=2) + "\n").encode())


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
