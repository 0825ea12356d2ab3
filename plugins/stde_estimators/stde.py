"""STDE, the stochastic Taylor derivative estimator.

Shi, Hu, Lin and Kawaguchi, *Stochastic Taylor Derivative Estimator: Efficient amortization for arbitrary
differential operators* (NeurIPS 2024, arXiv:2412.00088).
"""

import equinox as eqx

import stde_core as stde


class STDE(stde.AbstractEstimator):
    """Random tangents propagated through the model by Taylor mode, for operators of any order.

    An operator is a contraction of the derivative tensor. A sampler draws sparse or dense tangents whose
    expected contraction is the same, and one forward pass for all samples evaluates them. Without standard
    errors the pass carries sums over the samples in place of the highest coefficients (Dangel et al.,
    NeurIPS 2025, arXiv:2505.13644, Eq. (6)).

    Cost: one pass for all operators, as wide as `num_samples + 2` evaluations of the model for a
    Laplacian (`stde.explain` has it for any operator). Only dense tangents take memory that grows with the
    dimension; sparse ones are indices.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.AbstractTangentSampler = stde.Sparse()

    def __check_init__(self):
        stde.check_count("STDE(num_samples)", self.num_samples)
        stde.check_sampler("STDE", self.sampler, stde.AbstractTangentSampler)

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        return stde.SamplingPlan(
            operators, dim, self.sampler, self.num_samples, standard_error=standard_error
        )


@stde.hookimpl
def stde_estimators():
    return {"stde": STDE}
