from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, PyTree


class AbstractObjective(eqx.Module):
    """A loss that is a sum of squared residuals at random points, as a function of parameters.

    `sample` is what `draw` returns: points, all else that is random, and what each point counts. With the
    sample held fixed the loss is a deterministic function, and one function of the parameters: a line
    search may compare its values.
    """

    @abstractmethod
    def draw(self, params: PyTree, batch: int, *, key: PRNGKeyArray) -> Any:
        """Draws `batch` points of each kind.

        The parameters may say where, and what each point counts, so that other parameters draw another
        sample by the same key.
        """

    @abstractmethod
    def loss(self, params: PyTree, sample: Any) -> Float[Array, ""]:
        """The loss: `|residuals|²`, or an unbiased estimate of its mean."""

    @abstractmethod
    def residuals(self, params: PyTree, sample: Any) -> Float[Array, " rows"]:
        """The residuals, weighted so that the sum of their squares is the loss."""

    @abstractmethod
    def jacobian(self, params: PyTree, sample: Any) -> Float[Array, "rows params"]:
        """The derivatives of `residuals` in the raveled parameters."""


class AbstractStage(ABC):
    """An optimiser, how many steps it makes, and at how many points each: one stage of a training."""

    steps: int
    batch: int

    def lasting(self, steps: int) -> "AbstractStage":
        """The same stage in so many steps."""
        return replace(self, steps=steps)  # pyright: ignore[reportArgumentType]

    @property
    @abstractmethod
    def draws_anew(self) -> bool:
        """Whether every step has a sample of its own; else one is held while its loss is lowered."""

    @abstractmethod
    def init(self, params: PyTree) -> PyTree:
        """The state before the first step."""

    @abstractmethod
    def gentler(self) -> "AbstractStage":
        """The same stage with more careful steps, for where it left what is finite."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What a user can do where it left what is finite, as a sentence without its full stop."""

    @abstractmethod
    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        """Step `index` of this stage: new parameters, new state, and the loss before it.

        `key` is that of the stage; a step folds its own number into it.
        """
