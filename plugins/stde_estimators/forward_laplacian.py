"""The forward Laplacian (Li et al., 2024) by the folx package: `pip install "stde[folx]"`."""

import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

import stde_core as stde
from stde_core import contractions


class ForwardLaplacian(stde.AbstractEstimator):
    """Exact second-order operators in one forward pass that carries value, gradient and Laplacian.

    Takes operators of order ≤ 2 whose pure second derivatives share one coefficient per family:
    `Laplacian`, `WeightedLaplacian` with a scalar or a matrix, and any first-order terms.

    Cost: about that of d + 2 forward passes, and their memory.
    """

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        if importlib.util.find_spec("folx") is None:
            return 'needs stde[folx]: `pip install "stde[folx]"`'
        plan = stde.SamplingPlan(operators, dim, stde.Whole(), num_samples=1)
        for family in plan.families:
            if sum(family.powers) > 2:
                return f"takes operators of order ≤ 2, not powers {family.powers}; use `exact` or `stde`"
            if family.powers == (2,) and not _shares_coefficient(family):
                return "takes second-order terms with one common coefficient, not one per axis; use `exact`"
        return None

    def __call__(
        self,
        operators: PyTree[stde.AbstractOperator],
        model: stde.Model,
        x: stde.Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> stde.Estimate:
        del key

        def value(operator: stde.AbstractOperator) -> Any:
            if isinstance(operator, stde.Gradient):
                return operator(model, x)
            return sum(_contract(family, model, x) for family in operator.families(x.shape[0]))

        values = jax.tree.map(value, operators, is_leaf=lambda o: isinstance(o, stde.AbstractOperator))
        errors = jax.tree.map(lambda v: jnp.zeros_like(v.real), values) if standard_error else None
        return stde.Estimate(values, model(x), errors)


def _shares_coefficient(family: stde.AbstractFamily) -> bool:
    return isinstance(family, stde.PowerFamily) and family.coefficient.uniform


def _contract(family: stde.AbstractFamily, model: stde.Model, x: stde.Point) -> Inexact[Array, "..."]:
    """A whole family: second-order terms by folx, the rest by forward mode."""
    tangents = family.tangents(stde.Draw.whole(family.size), x)
    if not family.powers:
        return tangents.weigh(model(x)[None]).sum(0)
    if family.powers != (2,):
        (terms,) = contractions.nested(model, x, tangents.directions, (family.powers,))
        return tangents.weigh(terms).sum(0)
    from folx import forward_laplacian

    vectors = tangents.directions.dense(x.shape[0], x.dtype)[:, 0]
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):  # as folx is written
        result = forward_laplacian(lambda z: model(x + z @ vectors))(jnp.zeros(family.size, x.dtype))
    common = stde.Tangents(tangents.directions, tangents.weights[:1], tangents.powers)
    return common.weigh(result.laplacian[None])[0]


@stde.hookimpl
def stde_estimators():
    return {"forward-laplacian": ForwardLaplacian}
