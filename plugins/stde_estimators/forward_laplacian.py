"""The forward Laplacian by the folx package: `pip install "stde[folx]"`.

Li et al., *Forward Laplacian: A New Computational Framework for Neural Network-based Variational Monte
Carlo* (2023, arXiv:2307.08214), Eqs. (5) to (7).
"""

import importlib.util
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact, PRNGKeyArray

import stde_core as stde
from stde_core import contractions


class ForwardLaplacian(stde.AbstractEstimator):
    """Exact second-order operators in one forward pass that carries value, gradient and Laplacian.

    Takes operators of order ≤ 2 whose pure second derivatives share one coefficient per family:
    `Laplacian`, `WeightedLaplacian` with a scalar or a matrix, and any first-order terms.

    Cost: the time and memory of about d + 2 evaluations of the model.
    """

    def plan(self, operators, dim, *, standard_error, model=None) -> "ForwardLaplacianPlan":
        if importlib.util.find_spec("folx") is None:
            raise stde.Unsupported('needs stde[folx]: `pip install "stde[folx]"`')
        whole = stde.SamplingPlan(
            operators, dim, stde.AllTerms(), 1, standard_error=standard_error, supports=_supports
        )
        return ForwardLaplacianPlan(whole)


class ForwardLaplacianPlan(stde.AbstractPlan):
    """All terms of every family of a plan, one family after the other."""

    whole: stde.SamplingPlan
    cost: None = eqx.field(static=True, default=None)

    def run(self, model: stde.Model, x: stde.Point, *, key: PRNGKeyArray | None) -> stde.Estimate:
        del key
        primal = model(x)
        self.whole.check_output(primal.shape)
        values: list[Any] = [0.0] * len(self.whole.names)
        for member in (member for group in self.whole.groups for member in group.members):
            values[member.operator] += _contract(member.family, model, x)
        errors = [jnp.zeros_like(value.real) for value in values]
        tree = self.whole.tree
        return stde.Estimate(
            tree.unflatten(values), primal, tree.unflatten(errors) if self.whole.standard_error else None
        )

    def describe(self) -> str:
        return "By folx: a forward Laplacian for each family of second derivatives, nested jvp for the rest"


def _supports(family: stde.AbstractFamily) -> str | None:
    if sum(family.powers) > 2:
        return f"takes operators of order ≤ 2, not powers {family.powers}; use `exact` or `stde`"
    if family.powers == (2,) and not _shares_coefficient(family):
        return "takes second-order terms with one common coefficient, not one per axis; use `exact`"
    return None


def _shares_coefficient(family: stde.AbstractFamily) -> bool:
    return isinstance(family, stde.PowerFamily) and family.coefficient.uniform


def _contract(family: stde.AbstractFamily, model: stde.Model, x: stde.Point) -> Inexact[Array, "..."]:
    """All terms of a family: second-order ones by folx, others by forward mode."""
    tangents = family.tangents(stde.Draw.all_terms(family.size), x)
    if not family.powers:
        return tangents.weigh(model(x)[None]).sum(0)
    if family.powers != (2,):
        (terms,) = contractions.nested(model, x, tangents.directions, (family.powers,))
        return tangents.weigh(terms).sum(0)
    from folx import forward_laplacian

    vectors = tangents.directions.dense(x.shape[0], x.dtype)[:, 0]
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):  # as folx is written
        result = forward_laplacian(lambda z: model(x + z @ vectors))(jnp.zeros(family.size, x.dtype))
    # folx returns the sum over the terms, which share their coefficient.
    common = stde.Tangents(tangents.directions, tangents.weights[:1], tangents.powers)
    return common.weigh(result.laplacian[None])[0]


@stde.hookimpl
def stde_estimators():
    return {"forward-laplacian": ForwardLaplacian}
