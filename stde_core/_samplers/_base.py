from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw


class AbstractTangentSampler(eqx.Module):
    """A random tensor whose mean is an operator's coefficient tensor: along which directions.

    A sampler draws indices of terms, or isotropic noise, for one family at a time. It never sees
    the point, so that points can share a draw. Families with the same `space` get one draw.
    """

    @abstractmethod
    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        """Draws `num_samples` samples for a family that is not covered."""

    @abstractmethod
    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        """Whether the family is small enough to be contracted whole instead, with variance 0."""

    @abstractmethod
    def space(self, family: AbstractFamily) -> Hashable:
        """What is drawn for the family: equal spaces share a draw."""

    @abstractmethod
    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        """Why the families of one call cannot be drawn from, in a sentence; None if they can."""


def check_sampler(estimator: str, sampler: Any, kind: type[AbstractTangentSampler]) -> None:
    """Raises `TypeError` unless `sampler` is of the kind that the estimator works with."""
    if not isinstance(sampler, kind):
        raise TypeError(
            f"`{estimator}(sampler)` needs a `{kind.__name__}` sampler object, got {sampler!r}; "
            "`stde list samplers` names them."
        )
