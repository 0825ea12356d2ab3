"""Every term of every family, one by one: no randomness, for references and low dimensions."""

import equinox as eqx

import stde_core as stde


class Exact(stde.AbstractEstimator):
    """All terms of an operator by Taylor mode, in chunks that bound the memory; no key, no error.

    Cost: d + 2 evaluations of the model for a Laplacian, (d + 2)² for a biharmonic operator, with at
    most about `chunk_size` directions in memory at a time; `stde.explain` says it for any operator.
    """

    chunk_size: int = eqx.field(static=True, default=256, converter=stde.as_int)

    def __check_init__(self):
        stde.check_count("Exact(chunk_size)", self.chunk_size)

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        return stde.SamplingPlan(
            operators, dim, stde.AllTerms(), 1, standard_error=standard_error, chunk_size=self.chunk_size
        )


@stde.hookimpl
def stde_estimators():
    return {"exact": Exact}
