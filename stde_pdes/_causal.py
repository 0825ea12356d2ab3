from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._checks import check_positive


@dataclass(frozen=True)
class Causal:
    """Weights that let a residual count once the residuals before it are small.

    A point at time t weighs `exp(−strength · (mean over all points of residual² where earlier
    than t))` (Wang, Sankaran and Perdikaris, 2022, in continuous form: a rank in time takes the place
    of slices). Where time runs back from a terminal condition, later points count as earlier. The
    weights are taken when points are drawn, and stay as long as an optimiser holds these: a line search
    with weights of its own for each length would be rewarded for large residuals early on.

    Residuals are those that the loss has. Where they are sampled, the mean of their squares holds the
    estimator's variance, and the weights are too small.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive("causal.strength", self.strength)

    def __call__(
        self, times: Float[Array, " n"], squares: Float[Array, " n"], arrow: Literal[-1, 1]
    ) -> Float[Array, " n"]:
        """The weights of points with given times and squared residuals, without gradient."""
        order = jnp.argsort(arrow * times)
        ordered = jax.lax.stop_gradient(squares)[order]
        before = (jnp.cumsum(ordered) - ordered) / times.shape[0]
        return jnp.zeros_like(before).at[order].set(jnp.exp(-self.strength * before))
