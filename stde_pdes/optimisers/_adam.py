from dataclasses import dataclass, replace
from typing import get_args

import jax
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from stde_core import check_choice, check_count

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
        sample = objective.draw(params, self.batch, key=jax.random.fold_in(key, index))
        loss, gradient = jax.value_and_grad(objective.loss)(params, sample)
        updates, state = self.optimiser().update(gradient, state, params)
        return optax.apply_updates(params, updates), state, loss
