"""Checkpoints: a line of JSON, the arrays as Equinox writes them, and a digest of both.

Nothing in them is unpickled or executed. They are written beside the last one, which they then replace.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx

from ..training import Place, Snapshot
from ._arrays import read_arrays
from .environment import are_versions, check_versions
from .files import open_file, shown, writing
from .signals import Stop, Stopped

NAME = "checkpoint.eqx"
_FORMAT = 1
_DIGEST = hashlib.sha256().digest_size
_LONGEST_LINE = 2**20
_PIECE = 2**20
# More than any run makes.
_MOST_RETREATS = 100
_FIRST_SECONDS = 3.0
# Writing takes at most this share of the time.
_SHARE = 0.05


def write_checkpoint(directory: Path, snapshot: Snapshot, versions: dict[str, str]) -> None:
    """Replaces the checkpoint of a run. Raises `UnwritableError`, which leaves the last one as it was."""
    header = {"format": _FORMAT, "versions": versions, "place": asdict(snapshot.place)}
    with writing(directory, NAME) as file:
        hashing = _Hashing(file)
        hashing.write(json.dumps(header).encode() + b"\n")
        eqx.tree_serialise_leaves(hashing, (snapshot.params, snapshot.state))  # pyright: ignore[reportArgumentType]
        file.write(hashing.digest.digest())


def read_checkpoint(
    directory: Path, versions: dict[str, str], like: Callable[[Place], Snapshot]
) -> Snapshot | None:
    """The last checkpoint of a run, or None where there is none.

    `like` makes a snapshot of the same structure. Raises `ValueError` for a file that is damaged, or
    was written by other versions or for other settings.
    """
    where = shown(directory / NAME)
    with open_file(directory, NAME) as file:
        if file is None:
            return None
        _check_digest(file, where)
        header = _header(file, where)
        if header["format"] != _FORMAT:
            raise ValueError(
                f"{where} has format {header['format']!r}, and this version of stde reads {_FORMAT}."
            )
        check_versions(header["versions"], versions, f"{where} was written")
        place = Place(**header["place"])
        try:
            blank = like(place)
            params, state = read_arrays(file, (blank.params, blank.state))
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{where} does not fit this run ({reason}); remove it to start again."
            ) from error
    return Snapshot(place, params, state)


def checkpoint_step(directory: Path) -> int | None:
    """The number of steps that the last checkpoint of a run holds, or None where there is none.

    Raises `ValueError` for a damaged file.
    """
    with open_file(directory, NAME) as file:
        if file is None:
            return None
        _check_digest(file, shown(directory / NAME))
        return _header(file, shown(directory / NAME))["place"]["total"]


def _header(file: BinaryIO, where: str) -> dict[str, Any]:
    """The line of JSON. Raises `ValueError` for one that no run writes."""
    try:
        header = json.loads(file.readline(_LONGEST_LINE))
        if not (are_versions(header["versions"]) and _is_place(header["place"])):
            raise ValueError("its place or versions are not those of a run")
        return {"format": header["format"], "versions": header["versions"], "place": header["place"]}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{where} is damaged; remove it to start again from the first step.") from error


def _is_place(found: dict[str, Any]) -> bool:
    counts = [found[field.name] for field in fields(Place) if field.type is int]
    return (
        found.keys() == {field.name for field in fields(Place)}
        and all(type(count) is int and 0 <= count < 2**31 for count in counts)
        and found["retreats"] <= _MOST_RETREATS
        and isinstance(found["seconds"], int | float)
        and 0 <= found["seconds"] < float("inf")
    )


def _check_digest(file: BinaryIO, where: str) -> None:
    """Leaves the file at its beginning."""
    digest, left = hashlib.sha256(), file.seek(0, 2) - _DIGEST
    file.seek(0)
    while left > 0:
        piece = file.read(min(_PIECE, left))
        digest.update(piece)
        left -= len(piece)
    if file.read() != digest.digest():
        raise ValueError(f"{where} is damaged or cut short; remove it to start again from the first step.")
    file.seek(0)


class _Hashing:
    """A file that keeps a digest of what is written to it."""

    def __init__(self, file: BinaryIO):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)


@dataclass
class Keeper:
    """Writes checkpoints as training goes on, and answers a request to stop with one.

    - `every`: seconds from one to the next; the first comes after 3 seconds at most. One more is due
      before the first step of every later stage.
    """

    directory: Path
    versions: dict[str, str]
    every: float
    stop: Stop
    due: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.due = time.monotonic() + min(self.every, _FIRST_SECONDS)

    def __call__(self, snapshot: Snapshot) -> None:
        """Raises `Stopped` where that was asked for."""
        self.stop.patient = True
        begins = snapshot.place.step == 0
        if begins or self.stop.requested is not None or time.monotonic() >= self.due:
            self._write(snapshot)
        if self.stop.requested is not None:
            raise Stopped(self.stop.requested)

    def _write(self, snapshot: Snapshot) -> None:
        began = time.monotonic()
        write_checkpoint(self.directory, snapshot, self.versions)
        now = time.monotonic()
        self.due = now + max(self.every, (now - began) / _SHARE)
