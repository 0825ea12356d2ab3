from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from stde_core import check_count

from ._checks import check_positive


@dataclass(frozen=True)
class Resampling:
    """Collocation points drawn more often where the residual is large.

    Of `candidates` times as many fresh points as are needed, those kept are drawn without replacement with
    probabilities in proportion to `|r|^power / mean |r|^power + floor` (RAD of Wu, Zhu, Tan,
    Kartha and Lu, 2023). Cost: a forward evaluation of the residual at every candidate.
    """

    candidates: int = 4
    power: float = 1.0
    floor: float = 1.0

    def __post_init__(self) -> None:
        check_count("resampling.candidates", self.candidates, least=2)
        check_positive("resampling.power", self.power)
        check_positive("resampling.floor", self.floor)

    def __call__(
        self, residuals: Float[Array, " candidates"], num_points: int, *, key: PRNGKeyArray
    ) -> Int[Array, " n"]:
        """The indices of the points that are kept."""
        sizes = jnp.abs(residuals) ** self.power
        odds = sizes / jnp.maximum(jnp.mean(sizes), jnp.finfo(sizes.dtype).tiny) + self.floor
        # The largest of log p + Gumbel noise are a sample without replacement.
        _, chosen = jax.lax.top_k(jnp.log(odds) + jax.random.gumbel(key, odds.shape), num_points)
        return chosen
