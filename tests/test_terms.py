"""A kind of terms from a plugin adds up, multiplies and shares passes as those of the core do."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, mixed
from stde_estimators import STDE, Exact

import stde_core as stde
from stde_core import terms
from stde_core.testing import check_operator


class NeighbourFamily(stde.AbstractFamily):
    """`c(x) Σ_j ∂_j ∂_{j+1} u`, a kind of terms that a plugin might bring."""

    dim: int = eqx.field(static=True)
    coefficient: stde.Coefficient = stde.Coefficient()
    powers: tuple[int, ...] = eqx.field(static=True, default=(1, 1))
    isotropic: None = eqx.field(static=True, default=None)
    output_size: None = eqx.field(static=True, default=None)

    @property
    def size(self):
        return self.dim - 1

    @property
    def index_set(self):
        return "neighbours", self.dim

    @property
    def varies(self):
        return self.coefficient.varies

    def scaled(self, factor):
        return NeighbourFamily(self.dim, self.coefficient.times(factor))

    def tangents(self, draw, x):
        axes = draw.indices[:, None] + np.arange(2)
        weights = terms.weigh(draw.weights, self.coefficient(x))
        return stde.Tangents(stde.OneHot(axes, key=self.index_set), weights, self.powers)


@terms.kind.register(NeighbourFamily)
def _(family):
    return NeighbourFamily, family.dim


@terms.add.register(NeighbourFamily)
def _(first, others):
    return NeighbourFamily(first.dim, terms.sum_of_coefficients((first, *others)))


@terms.partials.register(NeighbourFamily)
def _(family):
    return [{j: 1, j + 1: 1} for j in range(family.size)]


@terms.expanded.register(NeighbourFamily)
def _(family):
    return terms.listed(terms.partials(family), family.coefficient)


class Neighbours(stde.AbstractOperator):
    """The sum of the mixed derivatives along neighbouring axes."""

    def families(self, dim):
        return (NeighbourFamily(dim),)


DIM = 4
X = jnp.array([0.3, -0.4, 0.2, 0.5])


def model(x):
    return jnp.sin(x[0] * x[1]) * jnp.exp(x[2] * x[3]) + x[1] ** 2 * x[2]


def exact(operators):
    return stde.estimate(operators, model, X, Exact()).value


@pytest.mark.slow
def test_its_operator_keeps_the_contract():
    check_operator(Neighbours())


def test_it_is_estimated_exactly_and_by_samples():
    expected = sum(mixed(model, X, j, j + 1) for j in range(DIM - 1))
    assert_close(exact(Neighbours()), expected)
    assert "2 of 3 terms ∂∂, without replacement" in str(stde.explain(Neighbours(), DIM, STDE(2)))


def test_it_adds_up_to_one_family():
    (family,) = (Neighbours() + 2 * Neighbours()).families(DIM)
    assert isinstance(family, NeighbourFamily)
    assert_close(exact(Neighbours() + 2 * Neighbours()), 3 * exact(Neighbours()))


def test_it_is_multiplied_out_and_meets_other_terms():
    x, y, z, t = stde.partials(DIM)
    product = x * Neighbours() + x * x * y
    assert len(product.families(DIM)) == 2  # ∂x²∂y twice, and ∂x∂y∂z, ∂x∂z∂t
    assert_close(exact(product), exact(x * (x * y + y * z + z * t) + x * x * y))


def test_it_shares_divisors_with_partial_derivatives():
    x, y, *_ = stde.partials(DIM)
    plan = stde.explain({"a": Neighbours(), "b": x**2 * y}, DIM, Exact()).plan
    (shared, *_) = plan.schedules
    assert shared.name == "partial derivatives share their divisors"
    assert [block.axes for block in shared.passes[0].blocks] == [(0, 1, 2, 3)]
