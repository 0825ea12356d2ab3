"""Which Taylor coefficients a pass carries: those of single samples, and sums of the maximal ones.

Truncated polynomials in several variables: Griewank and Walther, *Evaluating Derivatives* (2008),
chapter 13. Carrying sums in place of their summands: Dangel et al., *Collapsing Taylor Mode Automatic
Differentiation* (NeurIPS 2025).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeAlias

from jaxtyping import Array, Float

Powers: TypeAlias = tuple[int, ...]
"""The powers `α = (α_1, …, α_m)` of the formal variables `s_1 … s_m` of a block."""


class MultiIndex(NamedTuple):
    """The coefficients of `s^α` of a block, one for each of its n samples: `[n, *shape]`."""

    block: int
    powers: Powers

    @property
    def degree(self) -> int:
        return sum(self.powers)


class CollapsedSum(NamedTuple):
    """The value of the linear functional with this number, carried in place of its summands."""

    number: int


Key: TypeAlias = MultiIndex | CollapsedSum


class LinearFunctional(NamedTuple):
    """`Σ weight · coefficient` over some maximal multi-indices.

    Over the samples too if `over_samples`; else its blocks have equally many, and it has as many values.
    """

    indices: tuple[MultiIndex, ...]
    over_samples: bool


@dataclass(frozen=True)
class Truncation:
    """The coefficients that are carried: those of `indices` one by one, of `functionals` only the values.

    `sizes` are the numbers of samples of the blocks. The multi-indices of a block, with those in
    functionals, are closed under division. Those in functionals are maximal: none divides another. A
    maximal coefficient enters the coefficients of any function linearly, and so a sum of them can be
    carried in place of the summands.
    """

    sizes: tuple[int, ...]
    indices: tuple[MultiIndex, ...]
    functionals: tuple[LinearFunctional, ...] = ()

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """All that is carried, lower degrees first."""
        rising = sorted(self.indices, key=_degree)
        return (*rising, *self.sums)

    @cached_property
    def sums(self) -> tuple[CollapsedSum, ...]:
        return tuple(map(CollapsedSum, range(len(self.functionals))))

    @cached_property
    def factors(self) -> Mapping[MultiIndex, tuple[tuple[MultiIndex, MultiIndex], ...]]:
        """For every multi-index, carried or summed, all ordered pairs with it as product."""
        return {index: tuple(_factors(index)) for index in self.uncollapsed.indices}

    @cached_property
    def degrees(self) -> Mapping[Key, int]:
        """The highest degree that contributes to each key."""
        single = {index: index.degree for index in self.indices}
        return single | {s: _highest(self.functionals[s.number].indices) for s in self.sums}

    def samples(self, key: Key) -> int:
        """The length of the leading axis of a key's coefficients."""
        if isinstance(key, MultiIndex):
            return self.sizes[key.block]
        functional = self.functionals[key.number]
        return 1 if functional.over_samples else self.sizes[functional.indices[0].block]

    @property
    def width(self) -> int:
        """How many arrays are carried in place of one, the primal included: the cost of a pass."""
        return 1 + sum(map(self.samples, self.keys))

    @property
    def order(self) -> int:
        return max(self.degrees.values(), default=0)

    @cached_property
    def uncollapsed(self) -> "Truncation":
        """The same multi-indices, each carried for itself."""
        summed = [index for functional in self.functionals for index in functional.indices]
        return Truncation(self.sizes, tuple(dict.fromkeys((*self.indices, *summed))))

    @cached_property
    def lower(self) -> "Truncation":
        """The multi-indices below the highest degree of their block."""
        highest: dict[int, int] = {}
        for index in self.indices:
            highest[index.block] = max(highest.get(index.block, 0), index.degree)
        return Truncation(self.sizes, tuple(i for i in self.indices if i.degree < highest[i.block]))


@dataclass(frozen=True, eq=False)
class Expansion:
    """A truncation, and the weights `[n]` of the coefficients in its functionals."""

    truncation: Truncation
    weights: tuple[Mapping[MultiIndex, Float[Array, " _"]], ...] = ()

    def summands(self, key: CollapsedSum) -> Iterable[tuple[MultiIndex, Float[Array, " _"]]]:
        """The multi-indices of a functional, each with its weights."""
        weights = self.weights[key.number]
        return ((index, weights[index]) for index in self.truncation.functionals[key.number].indices)

    def over_samples(self, key: CollapsedSum) -> bool:
        return self.truncation.functionals[key.number].over_samples

    @property
    def uncollapsed(self) -> "Expansion":
        return Expansion(self.truncation.uncollapsed)

    @property
    def lower(self) -> "Expansion":
        return Expansion(self.truncation.lower)


def _degree(index: MultiIndex) -> int:
    return index.degree


def _highest(indices: Iterable[MultiIndex]) -> int:
    return max((index.degree for index in indices), default=0)


def _factors(index: MultiIndex) -> Iterable[tuple[MultiIndex, MultiIndex]]:
    for left in divisors(index.powers):
        right = tuple(total - part for total, part in zip(index.powers, left, strict=True))
        if any(left) and any(right):
            yield index._replace(powers=left), index._replace(powers=right)


def divisors(powers: Powers) -> Iterable[Powers]:
    """All powers that divide these, 1 and the powers themselves included."""
    return product(*(range(power + 1) for power in powers))
