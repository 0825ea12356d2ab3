"""Which Taylor coefficients are carried: channels of samples, and sums of the topmost ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeAlias

from jaxtyping import Array, Float

Monomial: TypeAlias = tuple[int, ...]
"""The powers `α = (α_1, …, α_m)` of the formal variables `s_1 … s_m` of a block."""


class Channel(NamedTuple):
    """The coefficients of `s^α` of a block, one for each of its n samples: `[n, *shape]`."""

    block: int
    monomial: Monomial

    @property
    def degree(self) -> int:
        return sum(self.monomial)


class Top(NamedTuple):
    """The weighted sum of topmost coefficients that readout number `readout` asks for."""

    readout: int


Key: TypeAlias = Channel | Top


@dataclass(frozen=True, eq=False)
class Readout:
    """A linear functional of Taylor coefficients: `Σ weights · coefficient` over channels.

    Sums over the samples too if `collapsed`; all of its blocks have as many samples otherwise.
    """

    weights: Mapping[Channel, Float[Array, " n"]]
    collapsed: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """A truncation: the `channels` that are carried one by one, and `tops`, of which only sums are.

    `sizes` are the numbers of samples of the blocks.
    The monomials of a block, with those in `tops`, are closed under division. No topmost one
    divides another, so a topmost coefficient enters the coefficients of any function linearly, and
    its sum can be carried in place of the summands.
    """

    sizes: tuple[int, ...]
    channels: tuple[Channel, ...]
    tops: tuple[Readout, ...] = ()

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """All that is carried, lower degrees first."""
        rising = sorted(self.channels, key=_degree)
        return (*rising, *map(Top, range(len(self.tops))))

    @cached_property
    def factors(self) -> Mapping[Channel, tuple[tuple[Channel, Channel], ...]]:
        """For every monomial, carried or summed, all ordered pairs of channels with it as product."""
        summed = [channel for top in self.tops for channel in top.weights]
        return {channel: tuple(_factors(channel)) for channel in (*self.channels, *summed)}

    @cached_property
    def degrees(self) -> Mapping[Key, int]:
        """The highest degree that contributes to each key."""
        channels = {channel: channel.degree for channel in self.channels}
        tops = {Top(r): _highest(readout.weights) for r, readout in enumerate(self.tops)}
        return channels | tops

    def samples(self, key: Key) -> int:
        """The length of the leading axis of a key's coefficients."""
        if isinstance(key, Channel):
            return self.sizes[key.block]
        readout = self.tops[key.readout]
        return 1 if readout.collapsed else self.sizes[next(iter(readout.weights)).block]

    @property
    def width(self) -> int:
        """How many arrays are carried in place of one, the primal included: the cost of a pass."""
        return 1 + sum(map(self.samples, self.keys))

    @property
    def order(self) -> int:
        return max(self.degrees.values(), default=0)

    @cached_property
    def spread(self) -> "Layout":
        """The same monomials with the topmost as channels of their own."""
        summed = [channel for top in self.tops for channel in top.weights]
        return Layout(self.sizes, tuple(dict.fromkeys((*self.channels, *summed))))

    @cached_property
    def lower(self) -> "Layout":
        """The channels below the highest degree of their block."""
        highest: dict[int, int] = {}
        for channel in self.channels:
            highest[channel.block] = max(highest.get(channel.block, 0), channel.degree)
        return Layout(self.sizes, tuple(c for c in self.channels if c.degree < highest[c.block]))


def _degree(channel: Channel) -> int:
    return channel.degree


def _highest(channels: Iterable[Channel]) -> int:
    return max((channel.degree for channel in channels), default=0)


def _factors(channel: Channel) -> Iterable[tuple[Channel, Channel]]:
    for left in divisors(channel.monomial):
        right = tuple(total - part for total, part in zip(channel.monomial, left, strict=True))
        if any(left) and any(right):
            yield channel._replace(monomial=left), channel._replace(monomial=right)


def divisors(monomial: Monomial) -> Iterable[Monomial]:
    """All monomials that divide it, 1 and itself included."""
    return product(*(range(power + 1) for power in monomial))
