"""What the engine's tests compare with: derivatives by nested `jax.jvp`."""

import functools

import equinox as eqx
import jax

import stde_core as stde
from stde_core import contractions


def derivatives(model, x, vectors):
    """`[D u(x)[v_1], D² u(x)[v_1, v_2], …]`, each order by `jax.jvp` of the one before."""

    def differentiated(chain, v):
        def longer(x):
            values, tangents = jax.jvp(chain, (x,), (v,))
            return [*values, tangents[-1]]

        return longer

    return functools.reduce(differentiated, vectors, lambda x: [model(x)])(x)[1:]


class Nested(stde.AbstractEstimator):
    """What `STDE` does with the same draws, by nested forward mode."""

    num_samples: int = eqx.field(static=True)
    sampler: stde.AbstractTangentSampler = stde.Sparse()

    def refuses(self, operators, dim):
        return self._plan(operators, dim).refuses()

    def __call__(self, operators, model, x, *, key, standard_error):
        plan = self._plan(operators, x.shape[0])
        return plan.estimate(contractions.nested, model, x, key=key, standard_error=standard_error)

    def _plan(self, operators, dim):
        return stde.SamplingPlan(operators, dim, self.sampler, self.num_samples)
