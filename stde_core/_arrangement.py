"""Which passes answer a call: alternatives, their cost, and the cheapest."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Array

from ._chunks import split_large
from ._families import AbstractFamily, factors_of
from ._pass import Pass, Samples, Term, arrange
from ._tangents import Draw
from ._types import Model, Point


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A pass for most terms, and compositions of two whole families: `L_1(L_2 u)` in place of `L_1L_2`.

    `name` says in words what is special about it.
    """

    name: str
    shared: Pass
    composed: Sequence["Composition"]

    @cached_property
    def cost(self) -> int:
        """In evaluations of the model."""
        return self.shared.layout.width + sum(composition.cost for composition in self.composed)

    def evaluate(self, model: Model, x: Point, chunk_size: int | None) -> tuple[Array, Samples]:
        """u(x) and the samples of every operator, at most `chunk_size` whole directions at a time."""
        shared, large = split_large(self.shared, chunk_size)
        value, samples = shared.evaluate(model, x)
        parts = [chunks.evaluate(model, x) for chunks in large]
        parts += [composition.evaluate(model, x, chunk_size) for composition in self.composed]
        for part in parts:
            for name, total in part.items():
                samples[name] = samples[name] + total if name in samples else total
        return value, samples


@dataclass(frozen=True, eq=False)
class Composition:
    """A product of two families, taken whole: one inside the other."""

    term: Term
    factors: tuple[AbstractFamily, AbstractFamily]
    left: Arrangement
    right: Arrangement

    @property
    def cost(self) -> int:
        return self.left.cost * self.right.cost

    def evaluate(self, model: Model, x: Point, chunk_size: int | None) -> Samples:
        outer = None if chunk_size is None else max(1, chunk_size // self.right.cost)
        left, right = self.factors

        def inner(y: Point) -> Array:
            return _evaluate_whole(right, model, y, chunk_size)

        return {(self.term.operator, None): _evaluate_whole(left, inner, x, outer)[None]}


def _evaluate_whole(family: AbstractFamily, model: Model, x: Point, chunk_size: int | None) -> Array:
    _, samples = cheapest([_whole(family, x)], x, per_sample=False).evaluate(model, x, chunk_size)
    return samples[0, None][0]


def _whole(family: AbstractFamily, x: Point) -> Term:
    return Term(0, 0, False, family, family.tangents(Draw.whole(family.size), x))


def arrangements(terms: Sequence[Term], x: Point, *, per_sample: bool) -> list[Arrangement]:
    """The ways to arrange the terms."""
    compositions = {i: c for i, term in enumerate(terms) if (c := _composition(term, x)) is not None}
    found = []
    for composed in (False, True) if compositions else (False,):
        rest = [term for i, term in enumerate(terms) if not composed or i not in compositions]
        inner = list(compositions.values()) if composed else []
        for along_axes in (False, True):
            shared = arrange(rest, per_sample=per_sample, along_axes=along_axes)
            found.append(Arrangement(_name(along_axes, composed), shared, inner))
    return found


def _name(along_axes: bool, composed: bool) -> str:
    words = "partial derivatives share their divisors" if along_axes else "directions one by one"
    return f"{words}, products as compositions" if composed else words


def _composition(term: Term, x: Point) -> Composition | None:
    factors = None if term.sampled else factors_of(term.family)
    if factors is None:
        return None
    left, right = (cheapest([_whole(factor, x)], x, per_sample=False) for factor in factors)
    return Composition(term, factors, left, right)


def cheapest(terms: Sequence[Term], x: Point, *, per_sample: bool) -> Arrangement:
    """The arrangement of least cost; of equals, the first."""
    return min(arrangements(terms, x, per_sample=per_sample), key=lambda arrangement: arrangement.cost)
