"""A plugin for stde: the generator of the Ornstein-Uhlenbeck process, and averages of estimates."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

import stde_core as stde


class OrnsteinUhlenbeck(stde.AbstractOperator):
    """`½ tr(σσᵀ∇²) − θ x·∇`, the generator of `dX = −θ X dt + σ dW` (Uhlenbeck and Ornstein, 1930).

    `sigma` is a scalar, a diagonal `[dim]` or a matrix `[dim, r]`; `theta` a scalar. Both are
    trainable where they are JAX arrays.
    """

    theta: Any = 1.0
    sigma: Any = 1.0

    def families(self, dim: int) -> tuple[stde.AbstractFamily, ...]:
        diffusion = 0.5 * stde.WeightedLaplacian(self.sigma)
        drift = -self.theta * stde.Directional(lambda x: x)  # one tangent, not one per dimension
        return (diffusion + drift).families(dim)


class Averaged(stde.AbstractEstimator):
    """The mean of independent estimates by another estimator, one after the other.

    The standard error is that of the mean of `repeats` values, so it needs nothing of the inner
    estimator, whose own error with one sample is nan.

    Cost: `repeats` times that of `estimator`, in its memory.
    """

    estimator: stde.AbstractEstimator
    repeats: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        stde.check_count("Averaged(repeats)", self.repeats, least=2)

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        return self.estimator.refuses(operators, dim)

    def __call__(
        self,
        operators: PyTree[stde.AbstractOperator],
        model: stde.Model,
        x: stde.Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> stde.Estimate:
        if key is None:  # nothing is random, so there is nothing to repeat
            return self.estimator(operators, model, x, key=None, standard_error=standard_error)

        def once(key: PRNGKeyArray) -> PyTree:
            return self.estimator(operators, model, x, key=key, standard_error=False).value

        values = jax.lax.map(once, jax.random.split(key, self.repeats))
        mean = jax.tree.map(lambda v: v.mean(0), values)
        error = jax.tree.map(lambda v: v.std(0, ddof=1) / jnp.sqrt(self.repeats), values)
        return stde.Estimate(mean, model(x), error if standard_error else None)


@stde.hookimpl
def stde_operators():
    return {"ornstein-uhlenbeck": OrnsteinUhlenbeck}


@stde.hookimpl
def stde_estimators():
    return {"averaged": Averaged}
