"""Checkpoints: a line of JSON, the arrays as Equinox writes them, and a digest of both.

Nothing in them is unpickled or executed. They are written beside the last one, which they then replace.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx

from .._run_files import open_file, shown, writing
from ..training import Place, Snapshot
from ._environment import DECISIVE

NAME = "checkpoint.eqx"
_FORMAT = 1
_DIGEST = hashlib.sha256().digest_size
_LONGEST_LINE = 2**20
_PIECE = 2**20


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
        header = json.loads(file.readline(_LONGEST_LINE))
        _check_origin(header, versions, where)
        place = Place(**{field.name: header["place"][field.name] for field in fields(Place)})
        blank = like(place)
        try:
            params, state = eqx.tree_deserialise_leaves(file, (blank.params, blank.state))
        except Exception as error:
            raise ValueError(f"{where} does not fit this run ({error}); remove it to start again.") from error
    return Snapshot(place, params, state)


def checkpoint_step(directory: Path) -> int | None:
    """The number of steps that the last checkpoint of a run holds, or None where there is none.

    Raises `ValueError` for a damaged file.
    """
    with open_file(directory, NAME) as file:
        if file is None:
            return None
        _check_digest(file, shown(directory / NAME))
        return json.loads(file.readline(_LONGEST_LINE))["place"]["total"]


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


def _check_origin(header: dict[str, Any], versions: dict[str, str], where: str) -> None:
    if header["format"] != _FORMAT:
        raise ValueError(f"{where} has format {header['format']}, and this version of stde reads {_FORMAT}.")
    for name in DECISIVE:
        if header["versions"][name] != versions[name]:
            raise ValueError(
                f"{where} was written with {name} {header['versions'][name]}, and here is {versions[name]}, "
                "whose numbers may differ; install that version, or start a new run."
            )


class _Hashing:
    """A file that keeps a digest of what is written to it."""

    def __init__(self, file: BinaryIO):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)
