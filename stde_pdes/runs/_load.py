"""Trained models back from the directories of their runs."""

import hashlib
import os
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

import equinox as eqx
import jax
from jaxtyping import Array

import stde_core as stde

from .._problem import AbstractProblem
from .._run_files import open_file, read_result, shown, writing
from .._setup import Setup
from ._arrays import read_arrays
from ._precision import new_network
from ._record import recorded_setup

NAME = "model.eqx"


class Solution(eqx.Module):
    """A trained network inside the ansatz of its problem: `x ↦ u(x)` for one point `[num_inputs]`."""

    network: Any
    problem: AbstractProblem

    def __call__(self, x: stde.Point) -> Array:
        return self.problem.ansatz(self.network)(x)


def load(directory: str | os.PathLike[str]) -> tuple[AbstractProblem, Solution]:
    """The problem of a finished run, and the model that solves it.

    `problem, u = load("runs/kdv")`; `u(x)` is the solution at one point, `jax.vmap(u)(points)` at
    many. Raises `ValueError` for what is not a finished run, is damaged, or was made in another
    precision than this process has; executes nothing that the files say.
    """
    if not (isinstance(directory, str | os.PathLike) and isinstance(os.fspath(directory), str)):
        raise TypeError(f"`load(directory)` needs the path of a directory as a text, got {directory!r}.")
    setup, network = load_setup(Path(directory))
    return setup.problem, Solution(network, setup.problem)


def load_setup(directory: Path) -> tuple[Setup, Any]:
    """The setup of a finished run, and its trained network."""
    setup = recorded_setup(directory)
    like = eqx.filter_eval_shape(lambda key: new_network(setup, key=key), jax.random.key(0))
    with open_file(directory, NAME) as file:
        if file is None:
            raise ValueError(
                f"{shown(directory)} holds no {NAME}, so the run has not come to its end; "
                "go on with it by `stde solve … --resume`."
            )
        digest = (read_result(directory) or {}).get("model_sha256")
        if digest is not None and digest != _digest(file):
            raise ValueError(f"{shown(directory / NAME)} is damaged: it is not the model of result.json.")
        file.seek(0)
        try:
            return setup, read_arrays(file, like)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{shown(directory / NAME)} is damaged: {reason}.") from error


def write_model(directory: Path, network: Any) -> str:
    """Writes the leaves of a network as Equinox does, and returns their SHA-256 digest."""
    with writing(directory, NAME) as file:
        eqx.tree_serialise_leaves(file, network)
    with open(directory / NAME, "rb") as file:
        return _digest(file)


def _digest(file: BinaryIO) -> str:
    return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
