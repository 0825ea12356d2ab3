"""SDGD, stochastic dimension gradient descent (Hu, Shukla, Karniadakis, Kawaguchi, 2024)."""

from functools import partial

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde
from stde_core import contractions


class SDGD(stde.AbstractEstimator):
    """Random terms of the operator, each by nested first-order AD.

    The innermost derivative is by reverse mode; the others by forward mode, or by reverse mode
    too (`reverse_over_reverse`, as first published). `sequential` takes one term at a time in
    place of all at once.

    Cost: `num_samples` nested derivatives, exponential in the order.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.Sparse = stde.Sparse()
    reverse_over_reverse: bool = eqx.field(static=True, default=False)
    sequential: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        stde.check_count("SDGD(num_samples)", self.num_samples)
        stde.check_sampler("SDGD", self.sampler, stde.Sparse)
        stde.check_flag("SDGD(reverse_over_reverse)", self.reverse_over_reverse)
        stde.check_flag("SDGD(sequential)", self.sequential)

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
        contract = partial(
            contractions.nested,
            first=contractions.reverse,
            then=contractions.reverse if self.reverse_over_reverse else contractions.forward,
            vectorise=(lambda f: partial(jax.lax.map, f)) if self.sequential else jax.vmap,
        )
        plan = stde.SamplingPlan(operators, x.shape[0], self.sampler, self.num_samples)
        return plan.estimate(contract, model, x, key=key, standard_error=standard_error)


@stde.hookimpl
def stde_estimators():
    return {"sdgd": SDGD}
