"""The algebra of families: sums in normal form, and products."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .._axes import ResolvedAxes, resolve_axes
from .._coefficient import Coefficient, Summand, add
from ._biharmonic import BiharmonicFamily
from ._divergence import DivergenceFamily
from ._family import AbstractFamily
from ._frame import AxisFrame, ColumnFrame
from ._identity import IdentityFamily
from ._linear import LinearFamily
from ._mixed import MixedFamily
from ._power import PowerFamily
from ._product import ProductFamily

# Products of up to so many terms are multiplied out, so that equal monomials meet.
_EXPAND_LIMIT = 1000

Monomial: TypeAlias = tuple[tuple[int, int], ...]  # (axis, power), by falling power


def merge(families: Iterable[AbstractFamily]) -> tuple[AbstractFamily, ...]:
    """The sum of families in normal form: those of one kind and one tuple of powers become one."""
    groups: dict[Hashable, list[AbstractFamily]] = defaultdict(list)
    for position, family in enumerate(families):
        groups[_kind(family, position)].append(family)
    return tuple(group[0] if len(group) == 1 else _add(group) for group in groups.values())


def _kind(family: AbstractFamily, position: int) -> Hashable:
    match family:
        case PowerFamily():
            return (PowerFamily, type(family.frame), family.order)
        case LinearFamily() | IdentityFamily():
            return type(family)
        case MixedFamily():
            return (MixedFamily, family.powers)
        case BiharmonicFamily() | DivergenceFamily():
            return (type(family), family.axes)
        case _:
            return position


def _add(group: list[Any]) -> AbstractFamily:
    """The sum of several families of one kind."""
    first = group[0]
    coefficients: list[Any] = [(None, getattr(family, "coefficient", None)) for family in group]
    match first:
        case PowerFamily(frame=AxisFrame()):
            frame, coefficient = _add_on_axes([(f.frame.axes, f.coefficient) for f in group])
            return PowerFamily(first.order, frame, coefficient)
        case PowerFamily(frame=ColumnFrame()):
            return PowerFamily(first.order, *_add_columns(group))
        case LinearFamily():
            parts = [part for family in group for part in family.parts]
            on_axes = [(frame.axes, c) for frame, c in parts if isinstance(frame, AxisFrame)]
            others = [part for part in parts if not isinstance(part[0], AxisFrame)]
            return LinearFamily((*([_add_on_axes(on_axes)] if on_axes else []), *others))
        case MixedFamily():
            rows = tuple(dict.fromkeys(row for family in group for row in family.table))
            tables = [(family.table, family.coefficient) for family in group]
            return MixedFamily(first.powers, rows, _add_scattered(tables, rows))
        case IdentityFamily():
            return IdentityFamily(add(coefficients, 1))
        case BiharmonicFamily():
            return BiharmonicFamily(first.axes, add(coefficients, 1))
        case _:
            return DivergenceFamily(first.axes, add(coefficients, 1))


def _add_on_axes(parts: list[tuple[ResolvedAxes, Coefficient]]) -> tuple[AxisFrame, Coefficient]:
    if all(axes == parts[0][0] for axes, _ in parts):
        axes = parts[0][0]
        return AxisFrame(axes), add([(None, coefficient) for _, coefficient in parts], len(axes))
    everything = np.unique(np.concatenate([np.asarray(axes) for axes, _ in parts])).tolist()
    axes = resolve_axes(tuple(everything), everything[-1] + 1)
    return AxisFrame(axes), _add_scattered(parts, everything)


def _add_scattered(parts: Sequence[tuple[Sequence[Any], Coefficient]], terms: Sequence[Any]) -> Coefficient:
    """The sum of coefficients that belong to some of `terms` each."""
    position = {term: j for j, term in enumerate(terms)}
    scattered = [(np.asarray([position[term] for term in own]), coefficient) for own, coefficient in parts]
    return add(scattered, len(terms))


def _add_columns(group: list[PowerFamily]) -> tuple[ColumnFrame, Coefficient]:
    frames = [family.frame for family in group if isinstance(family.frame, ColumnFrame)]
    frame = ColumnFrame(
        tuple(matrix for frame in frames for matrix in frame.matrices),
        tuple(width for frame in frames for width in frame.widths),
        tuple(axes for frame in frames for axes in frame.axes),
    )
    stops = itertools.accumulate(frame.size for frame in frames)
    columns = [range(stop - f.frame.size, stop) for stop, f in zip(stops, group, strict=True)]
    parts = [(own, family.coefficient) for own, family in zip(columns, group, strict=True)]
    return frame, _add_scattered(parts, range(frame.size))


def multiply(left: AbstractFamily, right: AbstractFamily) -> tuple[AbstractFamily, ...]:
    """The composition of two families as families, multiplied out where it has few terms.

    Raises `ValueError` where the right one has a coefficient that varies with x.
    """
    if right.varies:
        raise ValueError(
            "A product whose right factor has a function of x as coefficient is not a polynomial in "
            "partials; write the function leftmost, or compose by `stde.Estimated`."
        )
    if isinstance(left, IdentityFamily):
        return tuple(_times(right, summand) for summand in left.coefficient.summands)
    if isinstance(right, IdentityFamily):
        return tuple(_times(left, summand) for summand in right.coefficient.summands)
    ours, theirs = _expanded(left), _expanded(right)
    if ours is None or theirs is None or len(ours) * len(theirs) > _EXPAND_LIMIT:
        return tuple(ProductFamily(a, b) for a in _factors(left) for b in _factors(right))
    return merge(
        _monomial_family(_monomial((*p, *q)), Summand(a.number * b.number, a.factors + b.factors))
        for (p, a), (q, b) in itertools.product(ours, theirs)
    )


def _factors(family: AbstractFamily) -> tuple[AbstractFamily, ...]:
    return family.split() if isinstance(family, LinearFamily) else (family,)


def _times(family: AbstractFamily, summand: Summand) -> AbstractFamily:
    for factor in (summand.number, *summand.factors):
        family = family.scaled(factor)
    return family


def _expanded(family: AbstractFamily) -> list[tuple[Monomial, Summand]] | None:
    """The terms of a family one by one, or None where they cannot or should not be listed."""
    match family:
        case _ if family.size > _EXPAND_LIMIT:
            return None
        case PowerFamily(frame=AxisFrame(axes=axes)):
            rows: list[tuple[Monomial, Coefficient, int]] = [
                (((axis, family.order),), family.coefficient, j) for j, axis in enumerate(axes)
            ]
        case MixedFamily():
            rows = [
                (tuple(zip(row, family.powers, strict=True)), family.coefficient, j)
                for j, row in enumerate(family.table)
            ]
        case LinearFamily() if all(isinstance(frame, AxisFrame) for frame, _ in family.parts):
            rows = [
                (((axis, 1),), coefficient, j)
                for frame, coefficient in family.parts
                for j, axis in enumerate(frame.axes)  # pyright: ignore[reportAttributeAccessIssue]
            ]
        case _:
            return None
    if any(callable(summand.entries) for _, c, _ in rows for summand in c.summands):
        return None
    return [(monomial, summand.term(j)) for monomial, c, j in rows for summand in c.summands]


def _monomial(factors: Iterable[tuple[int, int]]) -> Monomial:
    powers: dict[int, int] = defaultdict(int)
    for axis, power in factors:
        powers[axis] += power
    return tuple(sorted(powers.items(), key=lambda item: (-item[1], item[0])))


def _monomial_family(monomial: Monomial, summand: Summand) -> AbstractFamily:
    coefficient = Coefficient((summand,))
    axis, power = monomial[0]
    if len(monomial) > 1:
        axes, powers = zip(*monomial, strict=True)
        return MixedFamily(powers, (axes,), coefficient)
    frame = AxisFrame(range(axis, axis + 1))
    if power == 1:
        return LinearFamily(((frame, coefficient),))
    return PowerFamily(power, frame, coefficient)
