"""One pass of the Taylor engine: what is asked of it, and the fewest channels that answer it."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._families import AbstractFamily, Partial, partials_of
from ._tangents import AbstractDirections, OneHot, Tangents
from ._taylor import Channel, Layout, Monomial, Readout, Top, divisors, expand_model, factorial, primal, read
from ._types import Model, Point


class Term(NamedTuple):
    """A family of one of the operators, with its tangents from draw number `group`."""

    operator: int
    group: int
    sampled: bool
    family: AbstractFamily
    tangents: Tangents

    @property
    def num_samples(self) -> int:
        return _length(self.tangents.directions)

    def along(self, position: int) -> Hashable:
        """A name of the directions; terms with equal names share them. `position` is the term's own."""
        key = self.tangents.directions.key
        return ("alone", position) if key is None else (self.group, key)


Samples: TypeAlias = dict[tuple[int, int | None], Any]
"""Weighted terms `[n, *out]` by operator and draw; draw None for what needs no spread, `[1, *out]`."""


class Request(NamedTuple):
    """A weighted sum of coefficients that an operator needs: `tangents` weighs those of `channel`."""

    operator: int
    group: int
    sampled: bool
    channel: Channel
    tangents: Tangents

    @property
    def collapsible(self) -> bool:
        """Whether real weights, the same for all components of the output, are all there is to it."""
        weights = self.tangents.weights
        return self.tangents.covector is None and weights.ndim == 1 and not jnp.iscomplexobj(weights)


@dataclass(frozen=True, eq=False)
class Pass:
    """Requests that one evaluation of the model answers, and the directions that they are along."""

    terms: Sequence[Term]
    per_sample: bool
    along_axes: bool
    directions: Sequence[AbstractDirections]
    requests: Sequence[Request]

    @cached_property
    def layout(self) -> Layout:
        """All divisors of what is asked as channels; the topmost merged where that makes them fewer."""
        asked = dict.fromkeys(request.channel for request in self.requests)
        below = [c._replace(monomial=d) for c in asked for d in divisors(c.monomial) if any(d)]
        channels = tuple(dict.fromkeys(below))
        sizes = tuple(map(_length, self.directions))
        spread = Layout(sizes, channels)
        separate = {request.channel for request in self.requests if not request.collapsible}
        merged = self._merged({c for c in _topmost(asked) if c not in separate})
        rest = tuple(c for c in channels if not any(c in top.weights for top in merged.values()))
        collapsed = Layout(sizes, rest, tuple(merged.values()))
        return collapsed if collapsed.width < spread.width else spread

    def _merged(self, channels: set[Channel]) -> dict[tuple[int, int | None], Readout]:
        """The sums of topmost coefficients, one for each operator, and for each draw if need be."""
        sums: dict[tuple[int, int | None], dict[Channel, Any]] = defaultdict(dict)
        for request in self.requests:
            if request.channel in channels:
                weights = request.tangents.weights * factorial(request.channel.monomial)
                total = sums[self._sum(request)]
                total[request.channel] = total.get(request.channel, 0) + weights
        return {name: Readout(weights, collapsed=name[1] is None) for name, weights in sums.items()}

    def _sum(self, request: Request) -> tuple[int, int | None]:
        return request.operator, request.group if self.per_sample and request.sampled else None

    def evaluate(self, model: Model, x: Point) -> tuple[Array, Samples]:
        """u(x), and what the samples add to each operator."""
        layout = self.layout
        output = expand_model(model, x, self.directions, layout)
        value = jnp.asarray(primal(output))
        samples: Samples = defaultdict(lambda: 0)
        for term in (term for term in self.terms if not term.tangents.powers):
            samples[term.operator, None] += term.tangents.weigh(value[None])
        for request in self.requests:
            if request.channel in layout.channels:
                derivatives = factorial(request.channel.monomial) * read(output, request.channel, layout)
                terms = request.tangents.weigh(derivatives)
                name = self._sum(request)
                samples[name] += terms.sum(0, keepdims=True) if name[1] is None else terms
        merged = dict.fromkeys(self._sum(r) for r in self.requests if r.channel not in layout.channels)
        for number, name in enumerate(merged):
            samples[name] += read(output, Top(number), layout)
        return value, samples


def _topmost(channels: Iterable[Channel]) -> Iterable[Channel]:
    """The channels whose monomials divide no other one of their block."""
    blocks: dict[int, list[Monomial]] = defaultdict(list)
    for channel in channels:
        blocks[channel.block].append(channel.monomial)
    for block, monomials in blocks.items():
        for monomial in monomials:
            if not any(other != monomial and _divides(monomial, other) for other in monomials):
                yield Channel(block, monomial)


def _divides(monomial: Monomial, other: Monomial) -> bool:
    return all(a <= b for a, b in zip(monomial, other, strict=True))


# At most so many partial derivatives share a block whose variables are coordinates.
_FEW = 64


def arrange(terms: Sequence[Term], *, per_sample: bool, along_axes: bool) -> Pass:
    """The pass for some terms: a block of channels for every set of directions.

    With `along_axes`, families of few partial derivatives that are taken whole share one block of
    a single sample, whose variables are the coordinates.
    """
    rest = [(t, partials_of(t.family, _FEW) if along_axes and not t.sampled else None) for t in terms]
    if sum(len(partials or ()) for _, partials in rest) > _FEW:
        rest = [(t, None) for t in terms]
    axes = sorted({axis for _, partials in rest for partial in partials or () for axis in partial})
    directions: list[AbstractDirections] = []
    if axes:
        directions.append(OneHot(np.asarray([axes])))
    requests: list[Request] = []
    blocks: dict[Hashable, int] = {}
    for position, (term, partials) in enumerate(rest):
        if partials is not None:
            requests += _on_axes(term, partials, axes)
        elif term.tangents.powers:
            name = term.along(position)
            if name not in blocks:
                blocks[name] = len(directions)
                directions.append(term.tangents.directions)
            channel = Channel(blocks[name], term.tangents.powers)
            requests.append(Request(term.operator, term.group, term.sampled, channel, term.tangents))
    return Pass(terms, per_sample, along_axes, directions, requests)


def _on_axes(term: Term, partials: Sequence[Partial], axes: Sequence[int]) -> Iterable[Request]:
    """A request for each partial derivative, in block 0 with one variable for each of `axes`."""
    for j, partial in enumerate(partials):
        monomial = tuple(partial.get(axis, 0) for axis in axes)
        weights = term.tangents.weights[min(j, term.tangents.weights.shape[0] - 1)][None]
        tangents = Tangents(OneHot(np.asarray([axes])), weights, monomial)
        yield Request(term.operator, term.group, term.sampled, Channel(0, monomial), tangents)


def _length(directions: AbstractDirections) -> int:
    return jax.tree.leaves(directions)[0].shape[0]
