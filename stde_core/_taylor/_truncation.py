"""Which Taylor coefficients a pass carries: those of single samples, and sums of the maximal ones.

Truncated polynomials: Griewank and Walther, *Evaluating Derivatives* (2nd ed., 2008), chapter 13.
Carrying a sum in place of its summands: Dangel, Siebert, Zeinhofer and Walther, *Collapsing Taylor Mode
Automatic Differentiation* (NeurIPS 2025, arXiv:2505.13644), section 3.1, Eq. (6).
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
    """The key of the coefficients of `s^α` of a block, `[n, *shape]` for its n samples."""

    block: int
    powers: Powers

    @property
    def degree(self) -> int:
        return sum(self.powers)


class CollapsedSum(NamedTuple):
    """The key of a linear functional's value, carried in place of its summands."""

    number: int


Key: TypeAlias = MultiIndex | CollapsedSum


class LinearFunctional(NamedTuple):
    """`Σ weight · coefficient` over some maximal multi-indices.

    With `over_samples` it also sums over the samples and has one value. Otherwise all its blocks have
    the same number of samples, and it has one value per sample.
    """

    indices: tuple[MultiIndex, ...]
    over_samples: bool


@dataclass(frozen=True)
class Truncation:
    """The set of coefficients that a pass carries.

    A pass carries each coefficient of `indices`, and only the value of each functional. `sizes` holds the
    number of samples of each block.

    The multi-indices, with those in functionals, are closed under division: if `s^α` is in the set, so
    are all its divisors. Those in functionals are maximal: none divides another. A coefficient of a
    function of the polynomial is then linear in the maximal ones, as the first factor of the last term in
    Faà di Bruno's formula, so their weighted sum can be carried in their place.
    """

    sizes: tuple[int, ...]
    indices: tuple[MultiIndex, ...]
    functionals: tuple[LinearFunctional, ...] = ()

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Everything carried, lower degrees first."""
        rising = sorted(self.indices, key=lambda index: index.degree)
        return (*rising, *self.sums)

    @cached_property
    def sums(self) -> tuple[CollapsedSum, ...]:
        return tuple(map(CollapsedSum, range(len(self.functionals))))

    @cached_property
    def factors(self) -> Mapping[MultiIndex, tuple[tuple[MultiIndex, MultiIndex], ...]]:
        """For each multi-index, also those in functionals, the ordered pairs whose product it is."""
        return {index: tuple(_factors(index)) for index in self.uncollapsed.indices}

    @cached_property
    def degrees(self) -> Mapping[Key, int]:
        """The degree of each key; for a sum the highest degree of its summands."""
        single = {index: index.degree for index in self.indices}
        summands = {s: self.functionals[s.number].indices for s in self.sums}
        return single | {s: max((i.degree for i in each), default=0) for s, each in summands.items()}

    def samples(self, key: Key) -> int:
        """The length of the leading axis of a key's coefficients."""
        if isinstance(key, MultiIndex):
            return self.sizes[key.block]
        functional = self.functionals[key.number]
        return 1 if functional.over_samples else self.sizes[functional.indices[0].block]

    @property
    def width(self) -> int:
        """The number of arrays carried per array of the model, primal included: the cost of a pass."""
        return 1 + sum(map(self.samples, self.keys))

    @property
    def order(self) -> int:
        return max(self.degrees.values(), default=0)

    @cached_property
    def uncollapsed(self) -> "Truncation":
        """The same multi-indices, each carried by itself."""
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
    """A truncation, and the weights `[n]` of the coefficients in its functionals.

    The two are apart because a truncation is static, and hashable, while weights are traced arrays.
    """

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


def _factors(index: MultiIndex) -> Iterable[tuple[MultiIndex, MultiIndex]]:
    for left in divisors(index.powers):
        right = tuple(total - part for total, part in zip(index.powers, left, strict=True))
        if any(left) and any(right):
            yield index._replace(powers=left), index._replace(powers=right)


def divisors(powers: Powers) -> Iterable[Powers]:
    """All powers that divide these, from 1 to the powers themselves."""
    return product(*(range(power + 1) for power in powers))
