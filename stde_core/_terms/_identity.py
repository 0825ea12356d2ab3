from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .._types import Point
from . import _base as terms
from ._base import AbstractFamily
from ._coefficient import Coefficient
from ._tangents import Draw, OneHot, Tangents


class IdentityFamily(AbstractFamily):
    """`c(x) u(x)`: the term of order 0."""

    coefficient: Coefficient = Coefficient()
    powers: tuple[int, ...] = eqx.field(static=True, default=())
    size: int = eqx.field(static=True, default=1)
    index_set: Hashable = eqx.field(static=True, default="identity")
    isotropic: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def varies(self) -> bool:
        return self.coefficient.varies

    def scaled(self, factor: Any) -> "IdentityFamily":
        return IdentityFamily(self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        return Tangents(OneHot(jnp.zeros((1, 0), int)), self.coefficient(x), self.powers)


@terms.kind.register(IdentityFamily)
def _(family: IdentityFamily) -> Hashable:
    return IdentityFamily


@terms.add.register(IdentityFamily)
def _(first: IdentityFamily, others: Sequence[IdentityFamily]) -> IdentityFamily:
    return IdentityFamily(terms.sum_of_coefficients((first, *others)))
