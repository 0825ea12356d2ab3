"""Trained models back from the directories of their runs, and networks before their training."""

import hashlib
import os
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

import stde_core as stde

from ..problem import Problem, Unknowns
from ..training import Place, split, start_of
from ._arrays import read_arrays
from .checkpoint import read_checkpoint
from .files import open_file, read_result, read_run, shown, writing
from .identity import check_identity, identity_of
from .record import recorded_setup
from .setup import Setup

NAME = "model.eqx"


class Solution(eqx.Module):
    """A trained network inside the ansatz of its problem: `x ↦ u(x)` for one point `[num_inputs]`.

    `parameters` are those of the problem, as they were found.
    """

    network: Any
    problem: Problem
    parameters: dict[str, Array] = eqx.field(default_factory=dict)

    def __call__(self, x: stde.Point) -> Array:
        return self.problem.ansatz(self.network)(x)


def load(
    directory: str | os.PathLike[str],
    problem: Problem | None = None,
    *,
    unfinished: bool = False,
    **changes: Any,
) -> tuple[Problem, Solution]:
    """The problem of a run, and the model that solves it.

    `problem, u = load("runs/kdv")`; `u(x)` is the solution at one point, `jax.vmap(u)(points)` at
    many. Executes nothing that the files say.

    - `problem`: that of the run, where it is not a registered one.
    - `unfinished`: of a run that has not come to its end too, the model of its last checkpoint.
    - `changes`: the `network`, `training` and `estimator` that `solve` was given, if it was.

    Raises `ValueError` for what is not a finished run, is damaged, is the run of another problem, or was made
    in another precision than this process has.
    """
    if not (isinstance(directory, str | os.PathLike) and isinstance(os.fspath(directory), str)):
        raise TypeError(f"`load(directory)` needs the path of a directory as a text, got {directory!r}.")
    setup = recorded_setup(Path(directory), problem, changes)
    unknowns = loaded_unknowns(Path(directory), setup, unfinished=unfinished)
    return setup.problem, Solution(unknowns.network, setup.problem, unknowns.parameters)


def loaded_unknowns(directory: Path, setup: Setup, *, unfinished: bool) -> Unknowns:
    """What was trained in a run; of an unfinished one what its last checkpoint holds."""
    identity = identity_of(setup, first_network(setup, None))
    if unfinished and read_result(directory) is None:
        return _of_checkpoint(directory, setup, identity)
    return trained_unknowns(directory, setup, identity)


def trained_unknowns(directory: Path, setup: Setup, identity: str | None) -> Unknowns:
    """The network and the parameters of a finished run."""
    check_identity(read_run(directory).get("identity"), identity, directory)
    like = eqx.filter_eval_shape(lambda: _unknowns(setup, first_network(setup, None)))
    with open_file(directory, NAME) as file:
        if file is None:
            raise ValueError(
                f"{shown(directory)} holds no {NAME}, so the run has not come to its end; go on with it by "
                "`resume` (`stde solve … --resume`), or load it with `unfinished=True`."
            )
        digest = (read_result(directory) or {}).get("model_sha256")
        if digest is not None and digest != _digest(file):
            raise ValueError(f"{shown(directory / NAME)} is damaged: it is not the model of result.json.")
        file.seek(0)
        try:
            return read_arrays(file, like)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{shown(directory / NAME)} is damaged: {reason}.") from error


def _of_checkpoint(directory: Path, setup: Setup, identity: str | None) -> Unknowns:
    record, network = read_run(directory), first_network(setup, None)
    check_identity(record.get("identity"), identity, directory)

    def like(place: Place) -> Any:
        return start_of(setup.problem, network, setup.training, place)

    snapshot = read_checkpoint(directory, record["environment"]["versions"], like)
    if snapshot is None:
        raise ValueError(
            f"{shown(directory)} holds neither a model nor a checkpoint yet; wait for its first."
        )
    return split(setup.problem, network)[1](snapshot.params)


def first_network(setup: Setup, start: Path | None) -> Any:
    """The network of a run before its training, with parameters of the run's precision.

    With `start` it is the trained one of the run in that directory, which needs a network of the same
    structure.
    """
    network_key, _ = jax.random.split(jax.random.key(setup.seed))
    network = setup.problem.built(key=network_key)

    def cast(leaf: Any) -> Any:
        return leaf.astype(jnp.dtype(setup.precision)) if eqx.is_inexact_array(leaf) else leaf

    network = jax.tree.map(cast, network)
    return network if start is None else _started(setup, network, start)


def _started(setup: Setup, network: Any, start: Path) -> Any:
    read_run(start)  # says what is wrong with a directory that is none of a run
    like = eqx.filter_eval_shape(lambda: network)
    with open_file(start, NAME) as file:
        if file is None:
            raise ValueError(f"`start` {shown(start)} holds no {NAME}; name the directory of a finished run.")
        try:
            return read_arrays(file, like)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"`start` {shown(start)} holds another network ({reason}); give the network of that run."
            ) from error


def write_model(directory: Path, network: Any, parameters: dict[str, Array]) -> str:
    """Writes the leaves of what was trained as Equinox does, and returns their SHA-256 digest."""
    with writing(directory, NAME) as file:
        eqx.tree_serialise_leaves(file, Unknowns(network, parameters))
    with open(directory / NAME, "rb") as file:
        return _digest(file)


def _unknowns(setup: Setup, network: Any) -> Unknowns:
    params, rebuild = split(setup.problem, network)
    return rebuild(params)


def _digest(file: BinaryIO) -> str:
    return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
