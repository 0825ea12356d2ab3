"""The algebra of families: sums in normal form, and products."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeAlias

from ._base import AbstractFamily, AxisPowers, add, expanded, kind
from ._coefficient import Coefficient, Summand
from ._linear import LinearFamily
from ._mixed import MixedFamily
from ._power import PowerFamily
from ._product import ProductFamily
from ._vectors import CoordinateVectors

# Products of at most so many terms are multiplied out, so that equal monomials become one term: it is drawn
# once, and terms may cancel. Listing takes time in Python: 3,600 products take 7 times as long as the
# product that is not listed, 10,000 take 11 times, and both cost more evaluations than a composition.
_EXPAND_LIMIT = 1000

Monomial: TypeAlias = tuple[tuple[int, int], ...]  # (axis, power), by falling power


def merge(families: Iterable[AbstractFamily]) -> tuple[AbstractFamily, ...]:
    """The sum of families in normal form: families of one kind become one."""
    groups: dict[Hashable, list[AbstractFamily]] = defaultdict(list)
    for position, family in enumerate(families):
        shared = kind(family)
        groups[("alone", position) if shared is None else shared].append(family)
    return tuple(add(first, more) if more else first for first, *more in groups.values())


def multiply(left: AbstractFamily, right: AbstractFamily) -> tuple[AbstractFamily, ...]:
    """The families of the composition of two families, multiplied out if it has few terms.

    Raises `ValueError` if a coefficient of the right one varies with x: the left one would differentiate it.
    """
    if right.varies:
        raise ValueError(
            "A product whose right factor has a function of x as coefficient is not a polynomial in "
            "partials; write the function leftmost, or compose by `stde.Estimated`."
        )
    for factor, other in ((left, right), (right, left)):
        if isinstance(factor, MixedFamily) and not factor.powers:
            return tuple(_times(other, summand) for summand in factor.coefficient.summands)
    left_terms, right_terms = _terms(left), _terms(right)
    if left_terms is None or right_terms is None or len(left_terms) * len(right_terms) > _EXPAND_LIMIT:
        return tuple(ProductFamily(a, b) for a in _single(left) for b in _single(right))
    return merge(
        _monomial_family(_product(p, q), Summand(a.number * b.number, a.factors + b.factors))
        for (p, a), (q, b) in itertools.product(left_terms, right_terms)
    )


def _single(family: AbstractFamily) -> tuple[AbstractFamily, ...]:
    return family.split() if isinstance(family, LinearFamily) else (family,)


def _times(family: AbstractFamily, summand: Summand) -> AbstractFamily:
    for factor in (summand.number, *summand.factors):
        family = family.scaled(factor)
    return family


def _terms(family: AbstractFamily) -> list[tuple[AxisPowers, Summand]] | None:
    """The terms of a family as partial derivatives; None if they cannot be listed or are too many."""
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
