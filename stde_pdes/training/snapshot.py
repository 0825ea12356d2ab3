"""Where a training stands: all that its next step needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..networks import split_trained
from ..optimisers import AbstractStage
from ..problem import Problem, Unknowns
from ..settings import Training


@dataclass(frozen=True)
class Place:
    """How far a training has come.

    - `stage`, `step`: the optimiser at work, and its steps so far; `total`: the steps of all of them.
    - `seconds`: spent in steps.
    - `retreats`: how often the training went back after a loss that was not finite; every time makes
      the optimisers gentler.
    """

    stage: int = 0
    step: int = 0
    total: int = 0
    seconds: float = 0.0
    retreats: int = 0

    def after(self, steps: int, seconds: float) -> "Place":
        """So many steps of the same stage later."""
        return replace(self, step=self.step + steps, total=self.total + steps, seconds=self.seconds + seconds)


@dataclass(frozen=True)
class Snapshot:
    """What is trained, and the states of the optimiser and of the weightings, at a place.

    The training that it is of reuses the memory of the arrays as soon as it goes on.
    """

    place: Place
    params: Any
    state: Any

    def begin(self, stage: AbstractStage) -> "Snapshot":
        """The first step of the next stage."""
        place = replace(self.place, stage=self.place.stage + 1, step=0)
        return Snapshot(place, self.params, (_first_state(stage, self.params), self.state[1]))


def start_of(problem: Problem, network: Any, training: Training, place: Place | None = None) -> Snapshot:
    """A network before its training; at another place, something of the same structure.

    Raises `ValueError` for a place to which the training never comes.
    """
    place, stages = Place() if place is None else place, training.stages
    lengths = [stage.steps for stage in stages[: place.stage + 1]]
    if not (0 <= place.stage < len(stages) and 0 <= place.step < lengths[-1]) or (
        place.total != sum(lengths[:-1]) + place.step
    ):
        raise ValueError(f"{place} is not a place of a training in {' + '.join(map(str, lengths))} steps.")
    params, _ = split(problem, network)
    states = tuple(weighting.init(len(problem.conditions)) for weighting in training.weightings)
    return Snapshot(place, params, (_first_state(stages[place.stage], params), states))


def _first_state(stage: AbstractStage, params: Any) -> Any:
    # It may hold the parameters themselves, whose memory is given away only once.
    return jax.tree.map(jnp.copy, stage.init(params))


def split(problem: Problem, network: Any) -> tuple[Any, Callable[[Any], Unknowns]]:
    """The trained numbers of a network and a problem, in single precision at least, and the way back.

    A network of lower precision is trained through copies in single precision, since steps are
    smaller than what separates two of its own numbers.
    """
    parameters = {name: jnp.asarray(value, float) for name, value in problem.parameters.items()}
    own, static = split_trained(Unknowns(network, parameters))
    dtypes = jax.tree.map(lambda leaf: leaf.dtype, own)
    params = jax.tree.map(lambda leaf: jnp.array(leaf, jnp.promote_types(leaf.dtype, jnp.float32)), own)

    def rebuild(params: Any) -> Unknowns:
        return eqx.combine(jax.tree.map(lambda leaf, dtype: leaf.astype(dtype), params, dtypes), static)

    return params, rebuild
