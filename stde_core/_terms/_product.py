from collections.abc import Hashable
from typing import Any

import jax.numpy as jnp

from .._types import Point
from . import _base as terms
from ._base import AbstractFamily, AxisPowers, IsotropicRepresentation
from ._coefficient import align, weigh
from ._tangents import Draw, Tangents, concatenate


class ProductFamily(AbstractFamily):
    """All products of a term i of `left` and a term j of `right`, never listed: term `i·N + j`.

    Dense tangents are those of the two factors with independent noise. Laplacian × Laplacian is
    `E D⁴u[v², w²]` with independent v and w, which needs no fourth moment.
    """

    left: AbstractFamily
    right: AbstractFamily

    def __check_init__(self):
        if self.left.output_size is not None and self.right.output_size is not None:
            raise ValueError(
                "A product of two operators that act on the components of the output (divergences) "
                "has no meaning; compose them by `stde.Estimated`."
            )

    @property
    def powers(self) -> tuple[int, ...]:
        return self.left.powers + self.right.powers

    @property
    def size(self) -> int:
        return self.left.size * self.right.size

    @property
    def index_set(self) -> Hashable:
        return ("product", self.left.index_set, self.right.index_set)

    @property
    def output_size(self) -> int | None:
        return self.left.output_size or self.right.output_size

    @property
    def varies(self) -> bool:
        return self.left.varies or self.right.varies

    @property
    def isotropic(self) -> IsotropicRepresentation | None:
        left, right = self.left.isotropic, self.right.isotropic
        if left is None or right is None or 4 in (left.moment, right.moment):
            return None
        size, vectors = max(left.size, right.size), left.vectors + right.vectors
        return IsotropicRepresentation(("product", left.space, right.space), size, vectors)

    def scaled(self, factor: Any) -> "ProductFamily":
        return ProductFamily(self.left.scaled(factor), self.right)

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        left = self.left.tangents(_part(draw, self.left, 0, self.right.size), x)
        right = self.right.tangents(_part(draw, self.right, 1, self.right.size), x)
        left_weights, right_weights = align([left.weights, right.weights])
        return Tangents(
            concatenate(left.directions, right.directions, x),
            weigh(draw.weights, left_weights * right_weights),
            left.powers + right.powers,
            left.covector if right.covector is None else right.covector,
        )


@terms.factors.register(ProductFamily)
def _(family: ProductFamily) -> tuple[AbstractFamily, AbstractFamily] | None:
    return (family.left, family.right) if family.output_size is None else None


def partials_of_factors(family: AbstractFamily) -> list[AxisPowers] | None:
    """The partial derivatives of a product, in the order `i·N + j` of its terms."""
    pair = terms.factors(family)
    if pair is None:
        return None
    left, right = map(terms.partials, pair)
    return None if left is None or right is None else [_times(a, b) for a in left for b in right]


terms.partials.register(ProductFamily)(partials_of_factors)


def _times(left: AxisPowers, right: AxisPowers) -> AxisPowers:
    return {axis: left.get(axis, 0) + right.get(axis, 0) for axis in {**left, **right}}


def _part(draw: Draw, family: AbstractFamily, place: int, stride: int) -> Draw:
    """A factor's part of a draw of the product; the weights of the samples stay with the product."""
    weights = jnp.ones_like(draw.weights)
    if draw.noise is not None:
        assert family.isotropic is not None
        vectors, size = family.isotropic.vectors, family.isotropic.size
        noise = draw.noise[:, :vectors] if place == 0 else draw.noise[:, -vectors:]
        return Draw(weights, noise=noise[:, :, :size])
    assert draw.indices is not None
    return Draw(weights, indices=divmod(draw.indices, stride)[place])
