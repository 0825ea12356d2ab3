"""Other contractions of the tangents that `stde` samples: the published one, and nested AD."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.experimental.jet import jet
from jaxtyping import Array, Float, Inexact

import stde_core as stde
from stde_core import contractions


class Contracting(stde.AbstractEstimator):
    """Tangents from any sampler, contracted by a given function and averaged."""

    contract: contractions.Contraction = eqx.field(static=True)
    num_samples: int = eqx.field(static=True)
    sampler: stde.AbstractTangentSampler

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.SamplingPlan:
        return stde.SamplingPlan(
            *(operators, dim, self.sampler, self.num_samples),
            standard_error=standard_error,
            contract=self.contract,
        )


def stde_jet(
    model: stde.Model,
    x: stde.Point,
    directions: Any,
    monomials: tuple[tuple[int, ...], ...],
) -> tuple[Inexact[Array, "n ..."], ...]:
    """STDE as published (Shi et al., NeurIPS 2024): `jax.vmap` of `jet`, a jet per sampled vector.

    The vectors are written out, `[dim]` each, one-hot ones too. Takes pure powers.
    """
    orders = [power for (power,) in monomials]
    vectors = directions.dense(x.shape[0], x.dtype)[:, 0]

    def one(v: Float[Array, " dim"]) -> tuple[Array, ...]:
        series = [v, *[jnp.zeros_like(v)] * (max(orders) - 1)]
        _, derivatives = jet(model, (x,), (series,))
        return tuple(derivatives[order - 1] for order in orders)

    return jax.vmap(one)(vectors)
