from abc import abstractmethod
from collections.abc import Hashable, Sequence
from functools import singledispatch
from typing import Any, TypeAlias

import equinox as eqx

from .._types import Point
from ._coefficient import Coefficient, Summand, add_coefficients
from ._tangents import Draw, Tangents


class IsotropicRepresentation(eqx.Module):
    """The isotropic noise by which a few dense tangents represent all terms of a family.

    The family needs `vectors` independent vectors of `size` entries with `E[vvᵀ] = I`, and with `moment=4`
    also `E[v_i v_j v_k v_l] = c (δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk)`, where the sampler states c. Families
    with equal `space` may share their noise.
    """

    space: Hashable = eqx.field(static=True)
    size: int = eqx.field(static=True)
    vectors: int = eqx.field(static=True, default=1)
    moment: int = eqx.field(static=True, default=2)


class AbstractFamily(eqx.Module):
    """Terms `c_j(x) D^|p| u(x)[v_j1^p_1, …, v_jm^p_m]` of an operator that share one tuple of powers.

    - `powers`: p, the power of each of the m directions.
    - `size`: the number of terms.
    - `index_set`: the meaning of a term's index; families with equal index sets may share a draw.
    - `isotropic`: the noise by which dense tangents represent the family; None where they cannot.
    - `output_size`: the length of the model's output that a covector is paired with; None without one.
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
        """The tangents for a draw of indices or of noise, weighted by the coefficients at `x`.

        The sum of their weighted contractions is the family, exactly for a draw of all terms and in
        expectation otherwise.
        """

    @abstractmethod
    def scaled(self, factor: Any) -> "AbstractFamily":
        """The family times a number, an array or a function of x."""


# Operations on families are functions with one implementation per class, not methods: a plugin registers
# them for its own families (`@terms.add.register(MyFamily)`), and each has a default that is always right.

AxisPowers: TypeAlias = dict[int, int]
"""A partial derivative: the power of each axis that takes part."""


@singledispatch
def kind(family: AbstractFamily) -> Hashable:
    """A key: families with equal ones `add` up to one family. None for a family that never does."""
    return None


@singledispatch
def add(first: AbstractFamily, others: Sequence[Any]) -> AbstractFamily:
    """The sum of families of one `kind`."""
    raise NotImplementedError(f"`terms.kind` is registered for `{type(first).__name__}`, `terms.add` is not.")


@singledispatch
def partials(family: AbstractFamily) -> list[AxisPowers] | None:
    """The terms as partial derivatives, in the order of their indices; None if they are no partials."""
    return None


@singledispatch
def expanded(family: AbstractFamily) -> list[tuple[AxisPowers, Summand]] | None:
    """Partial derivatives with coefficients whose sum is the family; None if they cannot be listed."""
    return None


@singledispatch
def factors(family: AbstractFamily) -> tuple[AbstractFamily, AbstractFamily] | None:
    """Two families L_1 and L_2 with `L_1(L_2 u)` the family; None if there are none."""
    return None


def partials_of(family: AbstractFamily, most: int) -> list[AxisPowers] | None:
    """`partials` of a family without covector that has at most so many terms; else None."""
    return None if family.size > most or family.output_size is not None else partials(family)


def sum_of_coefficients(families: Sequence[Any]) -> Coefficient:
    """The sum of the coefficients of families that have the same terms, uniform in each."""
    return add_coefficients([(None, family.coefficient) for family in families], 1)


def listed(partials: Sequence[AxisPowers], coefficient: Any) -> list[tuple[AxisPowers, Summand]] | None:
    """Partial derivatives, each with the summands of its coefficient; None for entries that vary with x."""
    if any(callable(summand.entries) for summand in coefficient.summands):
        return None
    return [(p, summand.term(j)) for j, p in enumerate(partials) for summand in coefficient.summands]
