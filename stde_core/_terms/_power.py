from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Point
from . import _base as terms
from ._base import AbstractFamily, AxisPowers, IsotropicRepresentation
from ._coefficient import Coefficient, Summand, weigh
from ._tangents import Draw, Tangents
from ._vectors import AbstractVectors, CoordinateVectors, add_columns, add_on_axes


class PowerFamily(AbstractFamily):
    """`Σ_j c_j(x) D^k u(x)[a_j^k]` along vectors `a_1 … a_N`, k ≥ 2: Laplacians, sums of k-th powers.

    Dense tangents are k − 1 independent isotropic vectors, and their product entry by entry as the last:
    `E D^k u[v_1, …, v_{k−1}, c∘v_1∘…∘v_{k−1}] = Σ_j c_j ∂_j^k u`, since `E v v^T = I` leaves only equal
    indices. For k = 2 and one common c this is Hutchinson's trace estimator `c D²u[v²]` (1990), as in
    Dangel et al. (NeurIPS 2025, arXiv:2505.13644), Eqs. (7a) and (8a).
    """

    order: int = eqx.field(static=True)
    vectors: AbstractVectors
    coefficient: Coefficient = Coefficient()
    output_size: None = eqx.field(static=True, default=None)

    @property
    def powers(self) -> tuple[int, ...]:
        return (self.order,)

    @property
    def size(self) -> int:
        return self.vectors.size

    @property
    def index_set(self) -> Hashable:
        return self.vectors.space

    @property
    def isotropic(self) -> IsotropicRepresentation | None:
        if self.size == 1 or not (self.coefficient.uniform or self.coefficient.foldable):
            return None
        return IsotropicRepresentation(self.vectors.space, self.size, vectors=self.order - 1)

    @property
    def varies(self) -> bool:
        return self.coefficient.varies or self.vectors.varies

    def scaled(self, factor: Any) -> "PowerFamily":
        return PowerFamily(self.order, self.vectors, self.coefficient.times(factor))

    def tangents(self, draw: Draw, x: Point) -> Tangents:
        if draw.noise is not None:
            return self._dense(draw.noise[:, : self.order - 1], draw, x)
        assert draw.indices is not None
        weights = weigh(draw.weights, self.coefficient(x, draw.indices))
        return Tangents(self.vectors.pick(draw.indices, x), weights, self.powers)

    def _dense(self, noise: Float[Array, "n vectors size"], draw: Draw, x: Point) -> Tangents:
        coefficient = self.coefficient(x)
        if self.order == 2 and self.coefficient.uniform:
            directions = self.vectors.combine(noise, x, key=("isotropic", self.vectors.key))
            return Tangents(directions, weigh(draw.weights, coefficient), (2,))
        noise = noise.astype(x.dtype)
        last = jnp.prod(noise, axis=1, keepdims=True)
        # A coefficient per term goes into the last vector; a common one is a weight.
        if not self.coefficient.uniform:
            if coefficient.ndim > 1 or jnp.iscomplexobj(coefficient):
                raise ValueError(
                    "Dense tangents take coefficients that differ between terms only where they are "
                    "real and the same for all components of the output; use a sparse sampler."
                )
            last, coefficient = last * coefficient[None, None], jnp.ones(1, x.dtype)
        directions = self.vectors.combine(jnp.concatenate([noise, last], axis=1), x)
        return Tangents(directions, weigh(draw.weights, coefficient), (1,) * self.order)


@terms.kind.register(PowerFamily)
def _(family: PowerFamily) -> Hashable:
    return PowerFamily, type(family.vectors), family.order


@terms.add.register(PowerFamily)
def _(first: PowerFamily, others: Sequence[PowerFamily]) -> PowerFamily:
    parts = [(family.vectors, family.coefficient) for family in (first, *others)]
    summed = add_on_axes if isinstance(first.vectors, CoordinateVectors) else add_columns
    return PowerFamily(first.order, *summed(parts))


@terms.partials.register(PowerFamily)
def _(family: PowerFamily) -> list[AxisPowers] | None:
    vectors = family.vectors
    return [{axis: family.order} for axis in vectors.axes] if isinstance(vectors, CoordinateVectors) else None


@terms.expanded.register(PowerFamily)
def _(family: PowerFamily) -> list[tuple[AxisPowers, Summand]] | None:
    derivatives = terms.partials(family)
    return None if derivatives is None else terms.listed(derivatives, family.coefficient)
