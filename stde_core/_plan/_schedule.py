"""The passes through the model that evaluate a call: the alternatives, sorted by cost.

Everything here is static: schedules follow from the shapes of tangents, so `explain` and `estimate` take
the same ones.
"""

import functools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from .._taylor import LinearFunctional, MultiIndex, Powers, Truncation, divisors

Target: TypeAlias = tuple[int, int | None]
"""The sum that a term belongs to: the number of its operator, and of its draw if samples are kept apart."""

AxisPowers: TypeAlias = tuple[tuple[int, int], ...]
"""A partial derivative: the axes that take part, each with its power."""


@dataclass(frozen=True)
class Outline:
    """The static part of a term: everything but the numbers in its tangents.

    - `operator`, `draw`: the numbers of both; `sampled`: whether the draw is random.
    - `samples`, `vectors`, `powers`: of its tangents.
    - `one_hot`: whether the directions are coordinate vectors; `axes`: the coordinates, if there is one
      sample and they are known.
    - `along`: terms with equal values have the same directions.
    - `collapsible`: whether its samples may be carried as one weighted sum. The weights must be real, and
      the same for all components of the output.
    - `partials`: for a whole family of few terms, the terms as partial derivatives.
    - `factors`: for a whole family, two terms whose composition it is, the second first.
    """

    operator: int
    draw: int
    sampled: bool
    samples: int
    vectors: int
    powers: Powers
    one_hot: bool
    axes: tuple[int, ...]
    along: Hashable
    collapsible: bool
    partials: tuple[AxisPowers, ...] | None = None
    factors: tuple["Outline", "Outline"] | None = None


class Block(NamedTuple):
    """Directions of a pass: those of term number `term`, or if None the coordinate vectors along `axes`."""

    samples: int
    vectors: int
    one_hot: bool
    axes: tuple[int, ...]
    term: int | None


@dataclass(frozen=True)
class Request:
    """The coefficients at `index`, which a term adds to `target`.

    `part` is the number of a single partial derivative of the term; None for tangents.
    """

    term: int
    part: int | None
    index: MultiIndex
    target: Target
    collapsible: bool


@dataclass(frozen=True)
class Pass:
    """One evaluation of the model by the Taylor engine, repeated for each of `repeats` chunks of directions.

    - `blocks`: the directions; `truncation`: the coefficients that the pass carries.
    - `requests`: the coefficients that terms need.
    - `targets`: the sums that the truncation's functionals belong to.
    - `constants`: the terms of order 0.
    """

    blocks: tuple[Block, ...]
    truncation: Truncation
    requests: tuple[Request, ...]
    targets: tuple[Target, ...]
    constants: tuple[int, ...] = ()
    repeats: int = 1

    @property
    def width(self) -> int:
        """The number of arrays carried per array of the model: about as many evaluations."""
        return self.truncation.width

    @property
    def channels(self) -> int:
        """The number of coefficients carried, regardless of samples; the primal counts as one."""
        return 1 + len(self.truncation.keys)

    @property
    def cost(self) -> int:
        return self.repeats * self.width

    @property
    def work(self) -> Hashable:
        """A key that is equal for passes that carry the same coefficients."""
        return tuple(block._replace(term=None) for block in self.blocks), self.truncation, self.repeats


@dataclass(frozen=True)
class Composition:
    """A product of operators as a composition: `L_1` of the function `x ↦ L_2 u(x)`, for `L_1L_2`."""

    term: int
    operator: int
    outer: "Schedule"
    inner: "Schedule"

    @property
    def cost(self) -> int:
        return self.outer.cost * self.inner.cost

    @property
    def work(self) -> Hashable:
        return self.term, self.outer.work, self.inner.work


@dataclass(frozen=True)
class Schedule:
    """One way to evaluate all terms, by passes and compositions.

    A pass that is not repeated also gives the primal. `name` describes the schedule in words. `cost` is in
    evaluations of the model.
    """

    name: str
    passes: tuple[Pass, ...]
    compositions: tuple[Composition, ...] = ()

    @property
    def cost(self) -> int:
        return sum(part.cost for part in (*self.passes, *self.compositions))

    @property
    def work(self) -> Hashable:
        return tuple(part.work for part in (*self.passes, *self.compositions))


@functools.lru_cache(maxsize=256)
def schedules(
    terms: tuple[Outline, ...], *, per_sample: bool, chunk_size: int | None, primal: bool = True
) -> tuple[Schedule, ...]:
    """The schedules that differ in their work, the cheapest first.

    - `per_sample`: whether to keep the samples of random draws apart.
    - `chunk_size`: the largest number of directions of a whole family in one pass.
    - `primal`: whether u(x) is needed too.
    """
    distinct: dict[Hashable, Schedule] = {}
    for schedule in sorted(_alternatives(terms, per_sample, chunk_size, primal), key=lambda s: s.cost):
        distinct.setdefault(schedule.work, schedule)
    return tuple(distinct.values())


def _alternatives(
    terms: tuple[Outline, ...], per_sample: bool, chunk_size: int | None, primal: bool
) -> Iterator[Schedule]:
    products = {i: _compose(i, term, chunk_size) for i, term in enumerate(terms) if term.factors}
    for composed in (False, True) if products else (False,):
        in_passes = [i for i in range(len(terms)) if not (composed and i in products)]
        compositions = tuple(products.values()) if composed else ()
        for along_axes in (False, True):
            shared, *chunked = _passes(terms, in_passes, per_sample, along_axes, chunk_size)
            passes = (shared, *chunked) if primal or shared.requests or shared.constants else tuple(chunked)
            yield Schedule(_name(along_axes, composed), passes, compositions)


def _name(along_axes: bool, composed: bool) -> str:
    words = "partial derivatives share their divisors" if along_axes else "directions one by one"
    return f"{words}, products as compositions" if composed else words


def _compose(number: int, term: Outline, chunk_size: int | None) -> Composition:
    assert term.factors is not None
    left, right = term.factors
    inner, *_ = schedules((right,), per_sample=False, chunk_size=chunk_size, primal=False)
    # The inner function is evaluated once per direction of the outer one: both share the chunk.
    fewer = None if chunk_size is None else max(1, chunk_size // inner.cost)
    outer, *_ = schedules((left,), per_sample=False, chunk_size=fewer, primal=False)
    return Composition(number, term.operator, outer, inner)


def _passes(
    terms: tuple[Outline, ...], chosen: list[int], per_sample: bool, along_axes: bool, chunk_size: int | None
) -> tuple[Pass, ...]:
    """One pass for all terms of moderate size, then one for each set of directions to take in chunks."""
    chunked: dict[Hashable, list[int]] = defaultdict(list)
    for i in chosen:
        if chunk_size and not terms[i].sampled and terms[i].samples > chunk_size:
            chunked[terms[i].along].append(i)
    large = {i for group in chunked.values() for i in group}
    passes = [_arrange({i: terms[i] for i in chosen if i not in large}, per_sample, along_axes)]
    for group in chunked.values():
        samples = terms[group[0]].samples
        repeats = -(-samples // chunk_size) if chunk_size else 1
        pieces = {i: replace(terms[i], samples=-(-samples // repeats)) for i in group}
        passes.append(_arrange(pieces, False, False, repeats))
    return tuple(passes)


# At most so many partial derivatives share a block whose variables are coordinates. On two CPU cores such a
# block makes a step with 64 mixed derivatives 4 times faster. But it carries a coefficient of its own for
# every coordinate: a Laplacian in 64 dimensions compiles 4 times as long in it, one in 128 5.5 times.
MAX_PARTIALS = 64


def _arrange(terms: dict[int, Outline], per_sample: bool, along_axes: bool, repeats: int = 1) -> Pass:
    """The pass for some terms: one block for each set of directions.

    With `along_axes`, whole families of few partial derivatives share one block of a single sample, whose
    variables are the coordinates: mixed derivatives then share divisors.
    """
    partials = {i: t.partials for i, t in terms.items() if along_axes and t.partials}
    if sum(map(len, partials.values())) > MAX_PARTIALS:
        partials = {}
    axes = tuple(sorted({axis for each in partials.values() for p in each for axis, _ in p}))
    blocks = [Block(1, len(axes), True, axes, None)] if axes else []
    places: dict[Hashable, int] = {}
    requests: list[Request] = []
    for i, term in terms.items():
        target = (term.operator, term.draw if per_sample and term.sampled else None)
        if i in partials:
            for part, partial in enumerate(partials[i]):
                powers = tuple(dict(partial).get(axis, 0) for axis in axes)
                requests.append(Request(i, part, MultiIndex(0, powers), target, term.collapsible))
        elif term.powers:
            if term.along not in places:
                places[term.along] = len(blocks)
                blocks.append(Block(term.samples, term.vectors, term.one_hot, term.axes, i))
            index = MultiIndex(places[term.along], term.powers)
            requests.append(Request(i, None, index, target, term.collapsible))
    constants = tuple(i for i, term in terms.items() if not term.powers)
    truncation, targets = _truncate(tuple(block.samples for block in blocks), requests)
    return Pass(tuple(blocks), truncation, tuple(requests), targets, constants, repeats)


def _truncate(sizes: tuple[int, ...], requests: Sequence[Request]) -> tuple[Truncation, tuple[Target, ...]]:
    """All divisors of the requested indices; the maximal ones summed if that is cheaper."""
    requested = dict.fromkeys(request.index for request in requests)
    below = [MultiIndex(i.block, d) for i in requested for d in divisors(i.powers) if any(d)]
    indices = tuple(dict.fromkeys(below))
    uncollapsed = Truncation(sizes, indices)
    separate = {request.index for request in requests if not request.collapsible}
    summed = set(_maximal(requested)) - separate
    sums: dict[Target, dict[MultiIndex, None]] = defaultdict(dict)
    for request in requests:
        if request.index in summed:
            sums[request.target][request.index] = None
    functionals = tuple(LinearFunctional(tuple(each), draw is None) for (_, draw), each in sums.items())
    collapsed = Truncation(sizes, tuple(i for i in indices if i not in summed), functionals)
    if collapsed.width < uncollapsed.width:
        return collapsed, tuple(sums)
    return uncollapsed, ()


def _maximal(indices: Iterable[MultiIndex]) -> Iterator[MultiIndex]:
    """The indices that divide no other one of their block."""
    blocks: dict[int, list[Powers]] = defaultdict(list)
    for index in indices:
        blocks[index.block].append(index.powers)
    for block, monomials in blocks.items():
        for powers in monomials:
            if not any(other != powers and _divides(powers, other) for other in monomials):
                yield MultiIndex(block, powers)


def _divides(powers: Powers, other: Powers) -> bool:
    return all(a <= b for a, b in zip(powers, other, strict=True))
