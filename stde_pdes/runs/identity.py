"""Which problem a run is of, where no registered name says so: a hash of what its steps compute."""

import hashlib
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..training import Objective, split, start_of
from ..training.loop import stepper
from .files import shown
from .setup import Setup

# Where functions stand in memory is another place in each process.
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def identity_of(setup: Setup, network: Any) -> str | None:
    """The SHA-256 digest of the training steps' jaxprs and their constants; None for a registered problem,
    which its name, fields and versions identify."""
    if setup.is_registered:
        return None
    digest = hashlib.sha256()
    _, rebuild = split(setup.problem, network)
    objective = Objective(setup.problem, rebuild, setup.estimator, setup.training)
    start = start_of(setup.problem, network, setup.training)
    for stage in setup.training.stages:
        step = stepper(stage, objective, key=jax.random.key(0))
        state = (stage.init(start.params), start.state[1])
        closed = jax.make_jaxpr(step)(start.params, state, jnp.asarray(0))
        digest.update(_ADDRESS.sub("", str(closed.jaxpr)).encode())
        for constant in closed.consts:
            array = np.asarray(_plain(constant))
            digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _plain(constant: Any) -> Any:
    is_key = isinstance(constant, jax.Array) and jnp.issubdtype(constant.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(constant) if is_key else constant


def check_identity(recorded: Any, identity: str | None, directory: Path) -> None:
    """Raises `ValueError` where a run was of a problem whose steps compute something else."""
    if recorded != identity:
        raise ValueError(
            f"The run in {shown(directory)} is of another problem: what its training steps compute differs; "
            "give the problem as it was then, or another directory."
        )
