"""Whether the run in a directory is new, begun or finished."""

import os
from pathlib import Path
from typing import Any

from .._run_files import read_run, shown
from .._setup import Setup
from ._checkpoint import NAME as CHECKPOINT
from ._environment import are_versions, check_versions, environment
from ._record import NAME as RECORD
from ._record import check_same


def resumed_record(directory: Path, setup: Setup) -> dict[str, Any] | None:
    """What `run.json` holds of the run that is to go on; None where the directory holds no run yet.

    Raises `ValueError` where it is damaged, or of the run of another setup or version.
    """
    if not os.path.lexists(directory / RECORD):
        return None
    record = read_run(directory)
    check_same(setup, record, directory)
    versions = record["environment"].get("versions")
    if not are_versions(versions):
        raise ValueError(f"{shown(directory / RECORD)} is damaged: `environment.versions` holds no versions.")
    check_versions(versions, environment()["versions"], f"The run in {shown(directory)} was begun")
    return record


def remark(directory: Path, record: dict[str, Any] | None) -> str:
    """Where a run that is resumed begins, and what is not as it was."""
    if record is None:
        return f"There is no run in {shown(directory)} yet; starting at step 0."
    if not (directory / CHECKPOINT).exists():
        return f"The run in {shown(directory)} has no checkpoint yet; starting at step 0."
    device, here = record["environment"].get("device"), environment()["device"]
    if device != here:
        return f"The run in {shown(directory)} was begun on {device}, and goes on on {here}."
    return f"Going on with the run in {shown(directory)}."
