"""What residuals count in the loss beside the weights of their conditions."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from stde_core import check_count

from ._checks import check_least, check_positive

Terms = Callable[[Any], Float[Array, " conditions"]]
"""The terms of the loss, one for each condition, as a function of the parameters."""


@dataclass(frozen=True)
class AbstractWeighting(ABC):
    """Factors of conditions and of points, found anew as training goes on.

    A step first refreshes the state, then draws its sample, of which the factors are a part: they stay as
    they are as long as an optimiser holds the sample.
    """

    @abstractmethod
    def init(self, num_conditions: int) -> Any:
        """The state before the first step."""

    @abstractmethod
    def refresh(self, state: Any, terms: Terms, params: Any, index: Int[Array, ""]) -> Any:
        """The state before step `index`; `terms` are those of a fresh sample, without this weighting."""

    @abstractmethod
    def of_conditions(self, state: Any, num_conditions: int) -> Float[Array, " conditions"]:
        """A factor for each condition."""

    @abstractmethod
    def of_points(
        self, times: Float[Array, " n"] | None, squares: Callable[[], Float[Array, " n"]]
    ) -> Float[Array, " n"] | None:
        """A factor for each point of a condition, from its time, that grows from the side where the solution
        is given, and its squared residual; None for 1. `times` is None where the problem has no time."""

    @property
    @abstractmethod
    def needs_time(self) -> bool:
        """Whether it means nothing without time."""


@dataclass(frozen=True)
class Causal(AbstractWeighting):
    """Weights that let a residual count once the residuals before it are small.

    A point at time t weighs `exp(−strength · (mean over all points of residual² where earlier
    than t))` (Wang, Sankaran and Perdikaris, 2022, in continuous form: a rank in time takes the place
    of slices). Where time runs back from a terminal condition, later points count as earlier.

    Residuals are those that the loss has. Where they are sampled, the mean of their squares holds the
    estimator's variance, and the weights are too small.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive("causal.strength", self.strength)

    @property
    def needs_time(self) -> bool:
        return True

    def init(self, num_conditions: int) -> None:
        return None

    def refresh(self, state: None, terms: Terms, params: Any, index: Array) -> None:
        return None

    def of_conditions(self, state: None, num_conditions: int) -> Float[Array, " conditions"]:
        return jnp.ones(num_conditions)

    def of_points(
        self, times: Float[Array, " n"] | None, squares: Callable[[], Float[Array, " n"]]
    ) -> Float[Array, " n"] | None:
        if times is None:
            return None
        order = jnp.argsort(times)
        ordered = jax.lax.stop_gradient(squares())[order]
        before = (jnp.cumsum(ordered) - ordered) / times.shape[0]
        return jnp.zeros_like(before).at[order].set(jnp.exp(-self.strength * before))


@dataclass(frozen=True)
class GradientNorm(AbstractWeighting):
    """Weights that make the gradients of all conditions' terms equally long.

    Condition i gets `Σ_j |∇L_j| / |∇L_i|` divided by the number of conditions, taken every `every` steps and
    averaged: `share` of the old weights is kept (Wang, Sankaran, Wang and Perdikaris, "An expert's guide to
    training physics-informed neural networks", 2023). Cost: one gradient for each condition in every
    `every`-th step.
    """

    every: int = 100
    share: float = 0.9

    def __post_init__(self) -> None:
        check_count("gradient_norm.every", self.every)
        check_least("gradient_norm.share", self.share, 0)

    @property
    def needs_time(self) -> bool:
        return False

    def init(self, num_conditions: int) -> Float[Array, " conditions"]:
        return jnp.ones(num_conditions)

    def refresh(self, state: Array, terms: Terms, params: Any, index: Array) -> Array:
        def balanced() -> Array:
            norms = jax.vmap(optax.tree.norm)(jax.jacrev(terms)(params))
            fresh = jnp.mean(norms) / jnp.maximum(norms, jnp.finfo(norms.dtype).tiny)
            return jnp.where(jnp.all(norms > 0), self.share * state + (1 - self.share) * fresh, state)

        return jax.lax.cond(index % self.every == 0, balanced, lambda: state)

    def of_conditions(self, state: Array, num_conditions: int) -> Float[Array, " conditions"]:
        return state

    def of_points(self, times: Float[Array, " n"] | None, squares: Callable[[], Float[Array, " n"]]) -> None:
        return None


@dataclass(frozen=True)
class SelfAdaptive(AbstractWeighting):
    """Weights that are trained too, to make the loss larger: conditions that stay unmet gain weight.

    The weight of condition i is λ_i, from 1 on, and grows by `rate · L_i / Σ_j L_j` a step: gradient ascent
    in λ on `Σ λ_i L_i`, normalised (McClenny and Braga-Neto, "Self-adaptive physics-informed neural
    networks", 2023, but with one weight for each condition, since points are fresh at every step). Cost: one
    evaluation of the loss in every `every`-th step.
    """

    rate: float = 1e-2
    every: int = 10

    def __post_init__(self) -> None:
        check_positive("self_adaptive.rate", self.rate)
        check_count("self_adaptive.every", self.every)

    @property
    def needs_time(self) -> bool:
        return False

    def init(self, num_conditions: int) -> Float[Array, " conditions"]:
        return jnp.ones(num_conditions)

    def refresh(self, state: Array, terms: Terms, params: Any, index: Array) -> Array:
        def raised() -> Array:
            losses = terms(params)
            total = jnp.maximum(jnp.sum(losses), jnp.finfo(losses.dtype).tiny)
            return state + self.every * self.rate * losses / total

        return jax.lax.cond(index % self.every == 0, raised, lambda: state)

    def of_conditions(self, state: Array, num_conditions: int) -> Float[Array, " conditions"]:
        return state

    def of_points(self, times: Float[Array, " n"] | None, squares: Callable[[], Float[Array, " n"]]) -> None:
        return None
