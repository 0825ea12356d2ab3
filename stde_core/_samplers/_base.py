from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw


class AbstractTangentSampler(eqx.Module):
    """A random tensor whose mean is the coefficient tensor of an operator.

    This is the view of STDE (Shi, Hu, Lin and Kawaguchi, NeurIPS 2024, arXiv:2412.00088). A sampler draws
    indices of terms, or isotropic noise, for one family at a time. It does not depend on the point, so
    several points can share a draw. Families with the same `space` share one.
    """

    @abstractmethod
    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        """A draw of `num_samples` samples for a family that `takes_all` leaves to sampling."""

    @abstractmethod
    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        """Whether to take all terms of the family, with variance 0, in place of a draw."""

    @abstractmethod
    def space(self, family: AbstractFamily) -> Hashable:
        """A key of the draw for the family: families with equal ones share it."""

    @abstractmethod
    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        """The reason, a sentence, why the families of one call cannot be sampled; None if they can."""


def check_sampler(estimator: str, sampler: Any, kind: type[AbstractTangentSampler]) -> None:
    """Raises `TypeError` unless `sampler` is of the kind that the estimator works with."""
    if not isinstance(sampler, kind):
        raise TypeError(
            f"`{estimator}(sampler)` needs a `{kind.__name__}` sampler object, got {sampler!r}; "
            "`stde list samplers` names them."
        )
