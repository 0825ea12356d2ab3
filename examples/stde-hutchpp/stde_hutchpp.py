"""A plugin for stde: Hutch++, a trace estimator with less variance (Meyer, Musco, Musco, Woodruff, 2021).

The trace of a matrix M is that of its compression to a subspace, taken exactly, and of what is left,
which is sampled: `tr M = tr QᵀMQ + tr PMP` with `P = I − QQᵀ`. The subspace is the range of MS for a
few random vectors S, so that it catches the largest eigenvalues, and with them most of the variance.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

import stde_core as stde

Basis = Float[Array, "size rank"]


class HutchPlusPlus(stde.AbstractEstimator):
    """Hutch++ for Laplacians, with any weights, and divergences: exact on a sketch, sampled beside it.

    Unbiased, and the standard error is right: given the sketch the rest is sampled as by Hutchinson.

    - `num_samples`: random tangents for the rest.
    - `sketch`: the rank of the sketch; as many as `num_samples` by default. Families of at most so
      many terms are taken whole.
    - `sampler`: of these tangents; the sketch is Gaussian.
    - `frozen`: whether gradients hold the basis of the sketch fixed: they are unbiased too, and cheaper.
      If not they are the derivatives of the very value, which exist where the sketch has full rank.

    Cost: `sketch` Hessian-vector products, forward mode under reverse mode (Jacobian-vector products
    for a divergence), and a Taylor pass as wide as `num_samples + sketch + 2` evaluations of the model.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sketch: int | None = eqx.field(static=True, converter=stde.as_int, default=None)
    sampler: stde.AbstractDenseSampler = stde.Rademacher()
    frozen: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        stde.check_count("HutchPlusPlus(num_samples)", self.num_samples)
        if self.sketch is not None:
            stde.check_count("HutchPlusPlus(sketch)", self.sketch)
        stde.check_sampler("HutchPlusPlus", self.sampler, stde.AbstractDenseSampler)

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        plan = stde.SamplingPlan(operators, dim, self.sampler, self.num_samples)
        for family in plan.families:
            if family.law is not None and not _is_trace(family):
                return f"samples Laplacians and divergences, not terms of powers {family.powers}; use `stde`"
        return plan.refuses()

    def __call__(
        self,
        operators: PyTree[stde.AbstractOperator],
        model: stde.Model,
        x: stde.Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> stde.Estimate:
        dim = x.shape[0]
        leaves, tree = jax.tree.flatten(operators, is_leaf=lambda o: isinstance(o, stde.AbstractOperator))
        families = [() if isinstance(o, stde.Gradient) else o.families(dim) for o in leaves]
        sketch_key, key = (None, None) if key is None else jax.random.split(key)
        bases = self._bases([f for each in families for f in each if f.law], model, x, key=sketch_key)
        parts = tree.unflatten(
            operator if isinstance(operator, stde.Gradient) else Parts(_parts(each, bases))
            for operator, each in zip(leaves, families, strict=True)
        )
        plan = stde.SamplingPlan(parts, dim, self.sampler, self.num_samples)
        return plan.taylor(model, x, key=key, standard_error=standard_error)

    def _bases(
        self,
        families: Sequence[stde.AbstractFamily],
        model: stde.Model,
        x: stde.Point,
        *,
        key: PRNGKeyArray | None,
    ) -> dict[Hashable, Basis]:
        """A basis for each space of noise: of the range of its first family's matrix, or of all of it."""
        rank = self.num_samples if self.sketch is None else self.sketch
        small = [_law(family) for family in families if _law(family).size <= rank]
        large = Parts(tuple(family for family in families if _law(family).size > rank))
        bases = {law.space: jnp.eye(law.size, dtype=x.dtype) for law in small}
        plan = stde.SamplingPlan(large, x.shape[0], stde.Gaussian(), rank)  # signs may repeat themselves
        for group, draw in zip(plan.groups, plan.draw(key), strict=True):
            assert draw.noise is not None
            image = _times(group.widest, model, x, draw.noise[:, 0].astype(x.dtype))
            # Every basis is unbiased, so that the value has the same mean derivative without the basis's.
            image = jax.lax.stop_gradient(image) if self.frozen else image
            bases[_law(group.widest).space] = _orthonormal(image)
        return bases


def _is_trace(family: stde.AbstractFamily) -> bool:
    """Whether a sample is a quadratic form in its noise."""
    return sum(family.powers) == (2 if family.output_size is None else 1)


def _times(
    family: stde.AbstractFamily, model: stde.Model, x: stde.Point, noise: Float[Array, "n size"]
) -> Float[Array, "size n"]:
    """`M z` for each row z, where `zᵀMz` is what the family's tangents along z are contracted to."""

    def along(z: Float[Array, " size"]) -> Float[Array, "m dim"]:
        tangents = family.tangents(stde.Draw(jnp.ones(1), noise=z[None, None]), x)
        return tangents.directions.dense(x.shape[0], x.dtype)[0]

    def jacobian_vector(z: Float[Array, " size"]) -> Float[Array, " size"]:
        return jax.jvp(model, (x,), (along(z)[0],))[1].real

    def hessian_vector(z: Float[Array, " size"]) -> Float[Array, " size"]:
        def slope(w: Float[Array, " size"]) -> Float[Array, ""]:
            derivative = jax.jvp(model, (x + along(w)[0],), (along(z)[-1],))[1]
            return jnp.sum(derivative.real)  # all components of the output share a basis

        return jax.grad(slope)(jnp.zeros_like(z))

    return jax.vmap(hessian_vector if family.output_size is None else jacobian_vector)(noise).T


def _orthonormal(columns: Float[Array, "size n"]) -> Basis:
    return jnp.linalg.qr(columns.astype(jnp.promote_types(columns.dtype, jnp.float32)))[0]


class Parts(stde.AbstractOperator):
    """The operator that these families add up to."""

    parts: tuple[stde.AbstractFamily, ...]

    def families(self, dim: int) -> tuple[stde.AbstractFamily, ...]:
        return self.parts


def _parts(
    families: Sequence[stde.AbstractFamily], bases: dict[Hashable, Basis]
) -> tuple[stde.AbstractFamily, ...]:
    """Each sampled family in two parts, on its basis and off it; the others as they are."""
    parts: list[stde.AbstractFamily] = []
    for family in families:
        if family.law is None:
            parts.append(family)
            continue
        basis = bases[family.law.space]
        parts.append(OnBasis(family, basis))
        if basis.shape[1] < family.law.size:
            parts.append(OffBasis(family, basis))
    return tuple(parts)


class AbstractPart(stde.AbstractFamily):
    """A part of a family that is sampled along noise."""

    family: eqx.AbstractVar[stde.AbstractFamily]
    basis: eqx.AbstractVar[Basis]

    @property
    def powers(self) -> tuple[int, ...]:
        return self.family.powers

    @property
    def output_size(self) -> int | None:
        return self.family.output_size

    @property
    def varies(self) -> bool:
        return self.family.varies

    def scaled(self, factor: Any) -> "AbstractPart":
        return type(self)(self.family.scaled(factor), self.basis)


class OnBasis(AbstractPart):
    """`tr QᵀMQ`: one term for each column of Q, taken whole."""

    family: stde.AbstractFamily
    basis: Basis
    law: None = eqx.field(static=True, default=None)

    @property
    def size(self) -> int:
        return self.basis.shape[1]

    @property
    def index_set(self) -> Hashable:
        return "on basis", _law(self.family).space

    def tangents(self, draw: stde.Draw, x: stde.Point) -> stde.Tangents:
        columns = self.basis.T[draw.indices]
        return self.family.tangents(stde.Draw(draw.weights, noise=columns[:, None]), x)


class OffBasis(AbstractPart):
    """`tr PMP`: sampled along what of the noise is orthogonal to Q."""

    family: stde.AbstractFamily
    basis: Basis

    @property
    def size(self) -> int:
        return self.family.size

    @property
    def index_set(self) -> Hashable:
        return self.family.index_set

    @property
    def law(self) -> stde.DenseLaw:
        return _law(self.family)

    def tangents(self, draw: stde.Draw, x: stde.Point) -> stde.Tangents:
        assert draw.noise is not None
        noise = draw.noise[:, 0].astype(self.basis.dtype)
        rest = noise - (noise @ self.basis) @ self.basis.T
        return self.family.tangents(stde.Draw(draw.weights, noise=rest[:, None]), x)


def _law(family: stde.AbstractFamily) -> stde.DenseLaw:
    assert family.law is not None, "only sampled families are split"
    return family.law


@stde.hookimpl
def stde_estimators():
    return {"hutch++": HutchPlusPlus}
