"""Hutchinson's trace estimator (Hutchinson, 1989; for PINNs: Hu, Shi, Karniadakis, Kawaguchi, 2024)."""

import equinox as eqx
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde
from stde_core import contractions


class Hutchinson(stde.AbstractEstimator):
    """Dense tangents and Hessian-vector products: `E vᵀ(∇²u)v = Δu`, for operators of order ≤ 2.

    Variance per sample of a Laplacian: `2 Σ_{i≠j} H_ij²` with Rademacher tangents, `2 ‖H‖_F²`
    with Gaussian ones.

    Cost: `num_samples` Hessian-vector products, each forward mode over reverse mode.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.AbstractDenseSampler = stde.Rademacher()

    def __check_init__(self):
        stde.check_count("Hutchinson(num_samples)", self.num_samples)
        stde.check_sampler("Hutchinson", self.sampler, stde.AbstractDenseSampler)

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        plan = stde.SamplingPlan(operators, dim, self.sampler, self.num_samples)
        order = max((sum(family.powers) for family in plan.families), default=0)
        if order > 2:
            return (
                f"estimates operators of order 2 and below by Hessian-vector products, not of order "
                f"{order}; use `stde`"
            )
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
        plan = stde.SamplingPlan(operators, x.shape[0], self.sampler, self.num_samples)
        return plan.estimate(contractions.hessian_vector, model, x, key=key, standard_error=standard_error)


@stde.hookimpl
def stde_estimators():
    return {"hutchinson": Hutchinson}
