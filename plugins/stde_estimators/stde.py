"""STDE, the stochastic Taylor derivative estimator (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024)."""

import equinox as eqx

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

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        return stde.SamplingPlan(
            operators, dim, self.sampler, self.num_samples, standard_error=standard_error
        )


@stde.hookimpl
def stde_estimators():
    return {"stde": STDE}
