"""Every term of every family, one by one: no randomness, for references and low dimensions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde
from stde_core import contractions


class Exact(stde.AbstractEstimator):
    """All terms of an operator by Taylor mode, in chunks that bound the memory; no key, no error.

    Cost: one jet per term (d for a Laplacian, d² for a biharmonic), `chunk_size` at a time.
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
        contract = partial(contractions.taylor, vectorise=self._in_chunks)
        plan = self._plan(operators, x.shape[0])
        return plan.estimate(contract, model, x, key=None, standard_error=standard_error)

    def _plan(self, operators: PyTree[stde.AbstractOperator], dim: int) -> stde.SamplingPlan:
        return stde.SamplingPlan(operators, dim, stde.Whole(), num_samples=1)

    def _in_chunks(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def mapped(directions: Any) -> Any:
            samples = jax.tree.leaves(directions)[0].shape[0]
            if samples <= self.chunk_size:
                return jax.vmap(function)(directions)
            return jax.lax.map(function, directions, batch_size=self.chunk_size)

        return mapped


@stde.hookimpl
def stde_estimators():
    return {"exact": Exact}
