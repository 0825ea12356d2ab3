"""Passes through a model as `explain` shows them: what each carries, and what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Monomial: TypeAlias = tuple[int, ...]


# So many monomials are written out.
_SHOWN = 12


@dataclass(frozen=True)
class Directions:
    """Directions that a pass goes along, and what it carries for each sample of them.

    - `samples`: how many samples, of `vectors` directions each.
    - `one_hot`: whether they are coordinate vectors; `axes`: the coordinates, where they are the same
      in every estimate.
    - `channels`: the powers of the directions in each monomial of the Taylor polynomial.
    """

    samples: int
    vectors: int
    one_hot: bool
    axes: tuple[int, ...]
    channels: tuple[Monomial, ...]

    @property
    def width(self) -> int:
        return self.samples * len(self.channels)

    def show(self, monomials: Sequence[Monomial]) -> str:
        names = [f"x{axis}" for axis in self.axes]
        names = names or ["v" if self.vectors == 1 else f"v{i + 1}" for i in range(self.vectors)]
        factors = [zip(names, monomial, strict=True) for monomial in monomials[:_SHOWN]]
        shown = ["·".join(f"{name}{power(p)}" for name, p in pairs if p) for pairs in factors]
        return ", ".join([*shown, f"… ({len(monomials)} in all)"] if monomials[_SHOWN:] else shown)

    def __str__(self) -> str:
        kind = "one-hot" if self.one_hot else "dense"
        along = f"along {' '.join(f'x{axis}' for axis in self.axes)}"
        many = f"{self.samples} × {count(self.vectors, f'{kind} direction')}"
        return f"{along if self.axes else many}: {self.show(self.channels)}"


@dataclass(frozen=True)
class Sum:
    """A sum of topmost coefficients, carried as one.

    - `terms`: what is added up: the number of the directions in the pass, and a monomial.
    - `samples`: 1, or the number of samples where each is needed on its own.
    """

    terms: tuple[tuple[int, Monomial], ...]
    samples: int


@dataclass(frozen=True)
class PlannedPass:
    """One pass through the model: the model itself, channels for each sample, and sums."""

    directions: tuple[Directions, ...]
    sums: tuple[Sum, ...]
    repeats: int = 1

    @property
    def channels(self) -> int:
        """The coefficients that are carried, however many samples each is carried for; the primal is one."""
        return 1 + sum(len(d.channels) for d in self.directions) + len(self.sums)

    @property
    def width(self) -> int:
        """The arrays that are carried in place of one: about so many evaluations of the model."""
        return 1 + sum(d.width for d in self.directions) + sum(s.samples for s in self.sums)

    @property
    def cost(self) -> int:
        return self.repeats * self.width

    def lines(self) -> Iterator[str]:
        yield _row(1, "the model itself")
        yield from (_row(d.width, str(d)) for d in self.directions if d.channels)
        for total in self.sums:
            places = dict.fromkeys(place for place, _ in total.terms)
            parts = [self._part(place, [m for at, m in total.terms if at == place]) for place in places]
            yield _row(total.samples, f"sum{' for each sample' * (total.samples > 1)} of {' + '.join(parts)}")

    def _part(self, place: int, monomials: Sequence[Monomial]) -> str:
        directions = self.directions[place]
        over = f" over {directions.samples} samples" if directions.samples > 1 else ""
        return directions.show(monomials) + over


@dataclass(frozen=True)
class PlannedComposition:
    """A product of two operators as the first one of the second one's value."""

    operator: str
    outer: "PassPlan"
    inner: "PassPlan"

    @property
    def cost(self) -> int:
        return self.outer.cost * self.inner.cost

    def lines(self) -> Iterator[str]:
        yield _row(self.cost, f"{self.operator} as a composition: {self.outer.cost} × {self.inner.cost}")
        same = self.outer == self.inner
        parts = [("each", self.outer)] if same else [("outer", self.outer), ("inner", self.inner)]
        for name, plan in parts:
            yield f"{'':9}{name}"
            yield from (f"{'':6}{line}" for line in plan.lines())


@dataclass(frozen=True)
class PassPlan:
    """A way to evaluate everything: passes, and compositions. `cost` is in evaluations of the model."""

    name: str
    passes: tuple[PlannedPass, ...]
    compositions: tuple[PlannedComposition, ...] = ()

    @property
    def cost(self) -> int:
        return sum(part.cost for part in (*self.passes, *self.compositions))

    def lines(self) -> Iterator[str]:
        for part in self.passes:
            if part.repeats > 1:
                yield _row(part.cost, f"{part.repeats} chunks of {part.width} evaluations each")
                yield from (f"{'':6}{line}" for line in part.lines())
            else:
                yield from part.lines()
        for composition in self.compositions:
            yield from composition.lines()


def _row(cost: int, what: str) -> str:
    return f"{cost:>7}  {what}"


def count(number: int, noun: str) -> str:
    """`1 vector`, `2 vectors`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def power(exponent: int) -> str:
    """A power as it is written after its base; "" for 1."""
    return "" if exponent == 1 else str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
