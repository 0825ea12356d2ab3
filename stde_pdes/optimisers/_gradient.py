"""Optimisers that step along a gradient, at fresh points every step."""

from dataclasses import dataclass, replace
from typing import Any, get_args

import jax
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from stde_core import check_choice, check_count
from stde_core.checks import in_short

from .._checks import check_positive
from ._schedule import Schedule, scheduled
from ._stage import AbstractObjective, AbstractStage


@dataclass(frozen=True)
class Adam(AbstractStage):
    """Adam (Kingma and Ba, 2015) at fresh points every step.

    - `batch`: points per condition and step.
    - `learning_rate`, `schedule`: the first rate, and how it falls to (almost) 0 over the steps.
    """

    steps: int = 5000
    batch: int = 100
    learning_rate: float = 1e-3
    schedule: Schedule = "linear"

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("batch", self.batch)
        check_choice("schedule", self.schedule, get_args(Schedule))
        check_positive("learning_rate", self.learning_rate)

    @property
    def draws_anew(self) -> bool:
        return True

    def optimiser(self) -> optax.GradientTransformation:
        """Adam with the schedule."""
        return optax.adam(scheduled(self.schedule, self.learning_rate, self.steps))

    def init(self, params: PyTree) -> PyTree:
        return self.optimiser().init(params)

    def gentler(self) -> "Adam":
        return replace(self, learning_rate=self.learning_rate / 2)

    @property
    def remedy(self) -> str:
        return f"Lower `learning_rate` (now {self.learning_rate:g}), or take more samples or points"

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        return _gradient_step(self.optimiser(), 1.0, self.batch, objective, params, state, index, key=key)


@dataclass(frozen=True)
class Optax(AbstractStage):
    """Any gradient transformation of optax, at fresh points every step: `Optax(optax.adamw(1e-3),
    steps=2000)`.

    - `batch`: points per condition and step.
    - `scale`: multiplies the updates.

    Raises `TypeError` for what is no `optax.GradientTransformation`.
    """

    transformation: Any
    steps: int = 5000
    batch: int = 100
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (hasattr(self.transformation, "init") and hasattr(self.transformation, "update")):
            raise TypeError(
                "`Optax(transformation)` needs a transformation of optax such as `optax.adamw(1e-3)`, "
                f"got {in_short(self.transformation)}."
            )
        check_count("optax.steps", self.steps)
        check_count("optax.batch", self.batch)
        check_positive("optax.scale", self.scale)

    @property
    def draws_anew(self) -> bool:
        return True

    def init(self, params: PyTree) -> PyTree:
        return self.transformation.init(params)

    def gentler(self) -> "Optax":
        return replace(self, scale=self.scale / 2)

    @property
    def remedy(self) -> str:
        return "Give `Optax` a lower learning rate, or take more samples or points"

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        return _gradient_step(
            self.transformation, self.scale, self.batch, objective, params, state, index, key=key
        )


def _gradient_step(
    transformation: optax.GradientTransformation,
    scale: float,
    batch: int,
    objective: AbstractObjective,
    params: PyTree,
    state: PyTree,
    index: Array,
    *,
    key: PRNGKeyArray,
) -> tuple[PyTree, PyTree, Float[Array, ""]]:
    sample = objective.draw(params, batch, key=jax.random.fold_in(key, index))
    loss, gradient = jax.value_and_grad(objective.loss)(params, sample)
    updates, state = transformation.update(gradient, state, params)
    updates = updates if scale == 1.0 else optax.tree.scale(scale, updates)
    return optax.apply_updates(params, updates), state, loss
