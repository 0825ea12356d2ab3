"""STDE, the stochastic Taylor derivative estimator (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024)."""

import equinox as eqx
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde


class STDE(stde.AbstractEstimator):
    """Random tangents pushed through the model by Taylor mode, for operators of any order.

    An operator is a contraction of the derivative tensor; a sampler draws tangents, sparse or
    dense, whose mean contraction is the same, and one forward pass per sample evaluates it.

    Cost: one pass for all operators, as wide as `num_samples + 2` evaluations of the model for a
    Laplacian (`stde.explain` says it for any operator); memory independent of dimension but for
    the tangents themselves, and coordinate tangents are only indices.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.AbstractTangentSampler = stde.Sparse()

    def __check_init__(self):
        stde.check_count("STDE(num_samples)", self.num_samples)
        stde.check_sampler("STDE", self.sampler, stde.AbstractTangentSampler)

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        return stde.SamplingPlan(operators, dim, self.sampler, self.num_samples).refuses()

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
        return plan.taylor(model, x, key=key, standard_error=standard_error)


@stde.hookimpl
def stde_estimators():
    return {"stde": STDE}
