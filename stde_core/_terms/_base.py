from abc import abstractmethod
from collections.abc import Hashable, Sequence
from functools import singledispatch
from typing import Any, TypeAlias

import equinox as eqx

from .._types import Point
from ._coefficient import Coefficient, Summand, add_coefficients
from ._tangents import Draw, Tangents


class IsotropicRepresentation(eqx.Module):
    """What a family asks of isotropic noise, so that a few dense tangents stand for all its terms.

    `vectors` independent vectors of `size` entries with `E[vvᵀ] = I`; with `moment=4` also
    `E[v_i v_j v_k v_l] = c (δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk)`, where the sampler states c.
    Families with equal `space` may share their noise.
    """

    space: Hashable = eqx.field(static=True)
    size: int = eqx.field(static=True)
    vectors: int = eqx.field(static=True, default=1)
    moment: int = eqx.field(static=True, default=2)


class AbstractFamily(eqx.Module):
    """Terms `c_j(x) D^|p| u(x)[v_j1^p_1, …, v_jm^p_m]` of an operator that share one tuple of powers.

    - `powers`: p, the power of each of the m directions.
    - `size`: the number of terms.
    - `index_set`: what a term's index means; families with equal index sets may share a draw.
    - `isotropic`: how dense tangents stand for the whole family; None where they cannot.
    - `output_size`: the length of the output that the family's covector needs; None without one.
    - `varies`: whether a coefficient is a function of x.
    """

    powers: eqx.AbstractVar[tuple[int, ...]]
    size: eqx.AbstractVar[int]
    index_set: eqx.AbstractVar[Hashable]
    isotropic: eqx.AbstractVar[IsotropicRepresentation | None]
    output_size: eqx.AbstractVar[int | None]
    varies: eqx.AbstractVar[bool]

    @abstractmethod
    def tangents(self, draw: Draw, x: Point) -> Tangents:
        """The tangents of a draw, of indices or of noise, with the coefficients at `x`.

        Their weighted contractions sum to the family (a whole draw) or do so in the mean.
        """

    @abstractmethod
    def scaled(self, factor: Any) -> "AbstractFamily":
        """The family times a number, an array or a function of x."""


# What a kind of terms may do besides: functions over the class of a family, so that the terms of a plugin
# add up, multiply and share passes as those here do (`@terms.add.register(MyFamily)`).

AxisPowers: TypeAlias = dict[int, int]
"""A partial derivative: the power of each axis that takes part."""


@singledispatch
def kind(family: AbstractFamily) -> Hashable:
    """What families have in common that `add` up to one; None for one that stands by itself."""
    return None


@singledispatch
def add(first: AbstractFamily, others: Sequence[Any]) -> AbstractFamily:
    """The sum of families of one `kind`."""
    raise NotImplementedError(f"`terms.kind` is registered for `{type(first).__name__}`, `terms.add` is not.")


@singledispatch
def partials(family: AbstractFamily) -> list[AxisPowers] | None:
    """The terms one by one as partial derivatives, in the order of a whole draw; None where they are none."""
    return None


@singledispatch
def expanded(family: AbstractFamily) -> list[tuple[AxisPowers, Summand]] | None:
    """Partial derivatives with coefficients, that add up to the family; None where they cannot be listed."""
    return None


@singledispatch
def factors(family: AbstractFamily) -> tuple[AbstractFamily, AbstractFamily] | None:
    """Two families whose composition, the second first, is the family; None where none are known."""
    return None


def partials_of(family: AbstractFamily, most: int) -> list[AxisPowers] | None:
    """`partials`, of at most so many terms that act on each component of the output."""
    return None if family.size > most or family.output_size is not None else partials(family)


def sum_of_coefficients(families: Sequence[Any]) -> Coefficient:
    """The sum of the coefficients of families of the same terms, each one coefficient for all its terms."""
    return add_coefficients([(None, family.coefficient) for family in families], 1)


def listed(partials: Sequence[AxisPowers], coefficient: Any) -> list[tuple[AxisPowers, Summand]] | None:
    """Partial derivatives with the summands of their coefficients; None where these are functions of x."""
    if any(callable(summand.entries) for summand in coefficient.summands):
        return None
    return [(p, summand.term(j)) for j, p in enumerate(partials) for summand in coefficient.summands]
