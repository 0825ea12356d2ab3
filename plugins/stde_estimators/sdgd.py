"""SDGD, stochastic dimension gradient descent.

Hu, Shukla, Karniadakis and Kawaguchi, *Tackling the curse of dimensionality with physics-informed neural
networks* (2023, arXiv:2307.12306).
"""

from functools import partial

import equinox as eqx
import jax

import stde_core as stde
from stde_core.contractions import forward, nested, reverse


class SDGD(stde.AbstractEstimator):
    """Random terms of the operator by nested AD: reverse mode first, forward mode for each further order.

    `reverse_over_reverse` nests reverse mode only, as first published; `sequential` takes one term after the
    other. Cost: `num_samples` nested derivatives, exponential in the order.
    """

    num_samples: int = eqx.field(static=True, converter=stde.as_int)
    sampler: stde.Sparse = stde.Sparse()
    reverse_over_reverse: bool = eqx.field(static=True, default=False)
    sequential: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        stde.check_count("SDGD(num_samples)", self.num_samples)
        stde.check_sampler("SDGD", self.sampler, stde.Sparse)
        for flag in ("reverse_over_reverse", "sequential"):
            stde.check_flag(f"SDGD({flag})", getattr(self, flag))

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        then = reverse if self.reverse_over_reverse else forward
        vectorise = (lambda f: partial(jax.lax.map, f)) if self.sequential else jax.vmap
        contract = partial(nested, first=reverse, then=then, vectorise=vectorise)
        drawn = (operators, dim, self.sampler, self.num_samples)
        return stde.SamplingPlan(*drawn, standard_error=standard_error, contract=contract)


@stde.hookimpl
def stde_estimators():
    return {"sdgd": SDGD}
