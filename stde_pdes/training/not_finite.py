"""What to say of a loss that is not finite."""

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray

from ..conditions import place_of
from ..optimisers import AbstractStage
from .objective import Objective
from .snapshot import Place


class NotFiniteError(FloatingPointError):
    """A training whose loss or parameters are not finite any more after `step` steps."""

    def __init__(self, step: int, message: str):
        super().__init__(message)
        self.step = step


def not_finite(
    stage: AbstractStage, objective: Objective, params: Any, place: Place, *, key: PRNGKeyArray
) -> NotFiniteError:
    """Says after which step, and which term of the loss, and what to try."""
    culprit = _culprit(objective, params, stage.batch, key)
    return NotFiniteError(
        place.total,
        f"The training is not finite after step {place.total}: {culprit}. {stage.remedy}.",
    )


def _culprit(objective: Objective, params: Any, batch: int, key: PRNGKeyArray) -> str:
    if not jnp.isfinite(optax.tree.norm(params)):
        return "the last step made the network's parameters infinite or not a number"
    sample = objective.draw(params, batch, key=key)
    terms = objective.terms(params, sample)
    bad = [c for c in objective.problem.conditions if not jnp.isfinite(terms[c.name])]
    if not bad:
        return "the loss is infinite or not a number"
    names = " and ".join(f"`{condition.name}`{place_of(condition.residual)}" for condition in bad)
    return f"in the loss, {names} {'is' if len(bad) == 1 else 'are'} infinite or not a number"
