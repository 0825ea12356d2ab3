"""Every term of every family, one by one: no randomness, for references and low dimensions."""

import equinox as eqx
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde


class Exact(stde.AbstractEstimator):
    """All terms of an operator by Taylor mode, in chunks that bound the memory; no key, no error.

    Cost: d + 2 evaluations of the model for a Laplacian, (d + 2)² for a biharmonic operator, with at
    most about `chunk_size` directions in memory at a time; `stde.explain` says it for any operator.
    """

    chunk_size: int = eqx.field(static=True, default=256, converter=stde.as_int)

    def __check_init__(self):
        stde.check_count("Exact(chunk_size)", self.chunk_size)

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        return self._plan(operators, dim).refuses()

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
        plan = self._plan(operators, x.shape[0])
        return plan.taylor(model, x, key=None, standard_error=standard_error, chunk_size=self.chunk_size)

    def _plan(self, operators: PyTree[stde.AbstractOperator], dim: int) -> stde.SamplingPlan:
        return stde.SamplingPlan(operators, dim, stde.Whole(), num_samples=1)


@stde.hookimpl
def stde_estimators():
    return {"exact": Exact}
