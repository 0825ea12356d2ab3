"""The algebra of families: sums in normal form, and products."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeAlias

from ._base import AbstractFamily, AxisPowers, add, expanded, kind
from ._coefficient import Coefficient, Summand
from ._identity import IdentityFamily
from ._linear import LinearFamily
from ._mixed import MixedFamily
from ._power import PowerFamily
from ._product import ProductFamily
from ._vectors import CoordinateVectors

# Products of up to so many terms are multiplied out, so that equal monomials meet.
_EXPAND_LIMIT = 1000

Monomial: TypeAlias = tuple[tuple[int, int], ...]  # (axis, power), by falling power


def merge(families: Iterable[AbstractFamily]) -> tuple[AbstractFamily, ...]:
    """The sum of families in normal form: those of one kind and one tuple of powers become one."""
    groups: dict[Hashable, list[AbstractFamily]] = defaultdict(list)
    for position, family in enumerate(families):
        shared = kind(family)
        groups[("alone", position) if shared is None else shared].append(family)
    return tuple(first if not others else add(first, others) for first, *others in groups.values())


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
    ours, theirs = _terms(left), _terms(right)
    if ours is None or theirs is None or len(ours) * len(theirs) > _EXPAND_LIMIT:
        return tuple(ProductFamily(a, b) for a in _single(left) for b in _single(right))
    return merge(
        _monomial_family(_product(p, q), Summand(a.number * b.number, a.factors + b.factors))
        for (p, a), (q, b) in itertools.product(ours, theirs)
    )


def _single(family: AbstractFamily) -> tuple[AbstractFamily, ...]:
    return family.split() if isinstance(family, LinearFamily) else (family,)


def _times(family: AbstractFamily, summand: Summand) -> AbstractFamily:
    for factor in (summand.number, *summand.factors):
        family = family.scaled(factor)
    return family


def _terms(family: AbstractFamily) -> list[tuple[AxisPowers, Summand]] | None:
    """The terms of a family one by one, or None where they cannot or should not be listed."""
    return None if family.size > _EXPAND_LIMIT else expanded(family)


def _product(left: AxisPowers, right: AxisPowers) -> Monomial:
    powers: dict[int, int] = defaultdict(int)
    for axis, power in (*left.items(), *right.items()):
        powers[axis] += power
    return tuple(sorted(powers.items(), key=lambda item: (-item[1], item[0])))


def _monomial_family(monomial: Monomial, summand: Summand) -> AbstractFamily:
    coefficient = Coefficient((summand,))
    axis, power = monomial[0]
    if len(monomial) > 1:
        axes, powers = zip(*monomial, strict=True)
        return MixedFamily(powers, (axes,), coefficient)
    vectors = CoordinateVectors(range(axis, axis + 1))
    if power == 1:
        return LinearFamily(((vectors, coefficient),))
    return PowerFamily(power, vectors, coefficient)
