"""A sampling plan in words."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .._taylor import MultiIndex, Powers
from .._terms import AbstractFamily
from ._execute import Term
from ._schedule import Block, Composition, Outline, Pass, Schedule

if TYPE_CHECKING:
    from ._sampling import SamplingPlan

_SHOWN = 12  # monomials in a row of the description


def described(plan: "SamplingPlan") -> str:
    """The draw of each family; the schedules, the one that runs first; the cost of nested AD."""
    sections = [[f"Draws ({type(plan.sampler).__name__})", *_draws(plan)]]
    if plan.draw_group is not None:
        return "\n".join(sections[0])
    schedules = plan.schedules
    for number, schedule in enumerate(schedules):
        title = "Not taken" if number else "Plan"
        cost = count(schedule.cost, "evaluation")
        sections.append([f"{title}: {schedule.name}: {cost} of the model", *_rows(schedule, plan.names)])
    if plan.contract is not None:
        rows = [f"  {_along(block)}: {_monomials(block, ps)}" for block, ps in requests(plan.outlines)]
        sections.append([f"By the estimator's own `{_function_name(plan.contract)}`", *rows])
    nested = plan.nested_cost or 0
    comparison = f", {nested / schedules[0].cost:.1f}× as many" if schedules else ""
    sections.append([f"By nested forward mode: {count(nested, 'evaluation')}{comparison}"])
    return "\n\n".join("\n".join(section) for section in sections)


def _draws(plan: "SamplingPlan") -> Iterator[str]:
    width = max(map(len, plan.names), default=0)
    if plan.draw_group is not None:
        members = [(group.whole, member) for group in plan.groups for member in group.members]
        for whole, m in members:
            words = "whole" if whole else f"drawn by `{_function_name(plan.draw_group)}`"
            yield f"  {plan.names[m.operator]:<{width}}  {_terms(m.family)}, {words}"
        return
    terms = plan.terms
    together = [term.place for term in terms if term.sampled]
    for term in terms:
        shared = ", drawn together" * (together.count(term.place) > 1)
        yield f"  {plan.names[term.operator]:<{width}}  {_how(term)}{shared}"


def _terms(family: AbstractFamily) -> str:
    derivative = "".join(f"∂{power(p)}" for p in family.powers)
    return f"{count(family.size, 'term')} {derivative}" if family.powers else "u itself"


def requests(terms: Sequence[Outline]) -> list[tuple[Block, tuple[Powers, ...]]]:
    """Each set of directions, with the powers that terms need along it."""
    sharing: dict[Hashable, list[Outline]] = defaultdict(list)
    for term in terms:
        if term.powers:
            sharing[term.along].append(term)
    return [
        (_block(together[0]), tuple(dict.fromkeys(term.powers for term in together)))
        for together in sharing.values()
    ]


def _block(term: Outline) -> Block:
    return Block(term.samples, term.vectors, term.one_hot, term.axes, None)


def _function_name(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def _how(term: Term) -> str:
    """The draw of a family, in words."""
    family, draw, samples = term.family, term.draw, term.draw.weights.shape[0]
    if term.all_terms:
        return f"{_terms(family)}, whole"
    if draw.noise is not None:
        vectors = count(family.isotropic.vectors if family.isotropic else 1, "dense vector")
        return f"{_terms(family)}, by {count(samples, 'sample')} of {vectors}"
    independent = draw.finite_population_correction == 1
    return f"{samples} of {_terms(family)}, {'independent' if independent else 'without replacement'}"


def _rows(schedule: Schedule, names: Sequence[str]) -> Iterator[str]:
    for taken in schedule.passes:
        if taken.repeats > 1:
            yield _row(taken.cost, f"{taken.repeats} chunks of {taken.width} evaluations each")
            yield from (f"{'':6}{line}" for line in _pass_rows(taken))
        else:
            yield from _pass_rows(taken)
    for composition in schedule.compositions:
        yield from _composition_rows(composition, names)


def _pass_rows(taken: Pass) -> Iterator[str]:
    yield _row(1, "the model itself")
    truncation = taken.truncation
    for number, block in enumerate(taken.blocks):
        carried = _in_order(i.powers for i in truncation.indices if i.block == number)
        if carried:
            yield _row(block.samples * len(carried), f"{_along(block)}: {_monomials(block, carried)}")
    for key, functional in zip(truncation.sums, truncation.functionals, strict=True):
        places = dict.fromkeys(index.block for index in functional.indices)
        parts = [_summed(taken.blocks[place], place, functional.indices) for place in places]
        each = " for each sample" * (not functional.over_samples and truncation.samples(key) > 1)
        yield _row(truncation.samples(key), f"sum{each} of {' + '.join(parts)}")


def _summed(block: Block, place: int, indices: Sequence[MultiIndex]) -> str:
    over = f" over {block.samples} samples" if block.samples > 1 else ""
    return _monomials(block, tuple(i.powers for i in indices if i.block == place)) + over


def _composition_rows(composition: Composition, names: Sequence[str]) -> Iterator[str]:
    outer, inner = composition.outer, composition.inner
    name = names[composition.operator]
    yield _row(composition.cost, f"{name} as a composition: {outer.cost} × {inner.cost}")
    for title, part in (
        [("each", outer)] if outer.work == inner.work else [("outer", outer), ("inner", inner)]
    ):
        yield f"{'':9}{title}"
        yield from (f"{'':6}{line}" for line in _rows(part, names))


def _along(block: Block) -> str:
    kind = "one-hot" if block.one_hot else "dense"
    along = f"along {' '.join(f'x{axis}' for axis in block.axes)}"
    return along if block.axes else f"{block.samples} × {count(block.vectors, f'{kind} direction')}"


def _monomials(block: Block, monomials: Sequence[Powers]) -> str:
    names = [f"x{axis}" for axis in block.axes]
    names = names or ["v" if block.vectors == 1 else f"v{i + 1}" for i in range(block.vectors)]
    factors = [zip(names, monomial, strict=True) for monomial in monomials[:_SHOWN]]
    shown = ["·".join(f"{name}{power(p)}" for name, p in pairs if p) for pairs in factors]
    return ", ".join([*shown, f"… ({len(monomials)} in all)"] if monomials[_SHOWN:] else shown)


def _in_order(monomials: Any) -> tuple[Powers, ...]:
    """Sorted by degree, then by direction."""
    return tuple(sorted(monomials, key=lambda m: (sum(m), *(-power for power in m))))


def _row(cost: int, what: str) -> str:
    return f"{cost:>7}  {what}"


def count(number: int, noun: str) -> str:
    """`1 vector`, `2 vectors`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def power(exponent: int) -> str:
    """A power as a superscript; "" for 1."""
    return "" if exponent == 1 else str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
