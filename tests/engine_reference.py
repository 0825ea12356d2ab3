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

    def plan(self, operators, dim, *, standard_error, model=None):
        return stde.SamplingPlan(
            *(operators, dim, self.sampler, self.num_samples),
            standard_error=standard_error,
            contract=contractions.nested,
        )
