"""Hutchinson's trace estimator.

Hutchinson, *A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines*
(1990). For PINNs: Hu, Shi, Karniadakis and Kawaguchi, *Hutchinson trace estimation for high-dimensional and
high-order physics-informed neural networks* (2024, arXiv:2312.14499).
"""

import equinox as eqx

import stde_core as stde
from stde_core import contractions


class Hutchinson(stde.AbstractEstimator):
    """Dense tangents and Hessian-vector products: `E vᵀ(∇²u)v = Δu`, for operators of order ≤ 2.

    Variance per sample of a Laplacian: `2 Σ_{i≠j} H_ij²` with Rademacher tangents, `2 ‖H‖_F²` with
    Gaussian ones. Cost: `num_samples` Hessian-vector products, each forward mode over reverse mode.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.AbstractDenseSampler = stde.Rademacher()

    def __check_init__(self):
        stde.check_count("Hutchinson(num_samples)", self.num_samples)
        stde.check_sampler("Hutchinson", self.sampler, stde.AbstractDenseSampler)

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        return stde.SamplingPlan(
            *(operators, dim, self.sampler, self.num_samples),
            standard_error=standard_error,
            contract=contractions.hessian_vector,
            supports=_supports,
        )


def _supports(family: stde.AbstractFamily) -> str | None:
    order, by = sum(family.powers), "order 2 and below by Hessian-vector products"
    return None if order <= 2 else f"estimates operators of {by}, not of order {order}; use `stde`"


@stde.hookimpl
def stde_estimators():
    return {"hutchinson": Hutchinson}
