from collections.abc import Hashable

from jaxtyping import PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw
from ._base import AbstractTangentSampler


class AllTerms(AbstractTangentSampler):
    """All terms of every family, without randomness."""

    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        del num_samples, key
        return Draw.all_terms(family.size)

    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        return True

    def space(self, family: AbstractFamily) -> Hashable:
        return family.index_set

    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        largest = max((family.size for family in families), default=0)
        if largest >= 2**31:
            return f"cannot take {largest} terms one by one; sample them with `stde` instead"
        return None
