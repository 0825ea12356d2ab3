"""A plugin for stde: how the laws of diffusions change, forward and backward (Fokker, 1914; Planck, 1917).

For `dX = b(X) dt + σ(X) dW` in the sense of Itô, with `a = σσᵀ`, the density p of X_t fulfils
`∂_t p = L*p` and the mean `u(x) = E[f(X_t) | X_0 = x]` fulfils `∂_t u = Lu`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import stde_core as stde

VectorField = Callable[[stde.Point], Float[Array, " n"]]


class DiffusionGenerator(stde.AbstractOperator):
    """`L = b·∇ + ½ tr(σσᵀ∇²)`, the generator of `dX = b(X) dt + σ(X) dW` (Kolmogorov's backward equation).

    - `drift`: b, a function of x that returns `[dim]`, or the array `[dim]` itself.
    - `sigma`: a scalar, `[dim]` (a diagonal), `[dim, r]`, or a function of x that returns one of these.

    Modules and JAX arrays are trainable. Terms: r, or dim, second derivatives and one first.
    """

    drift: Any
    sigma: Any = 1.0

    def families(self, dim: int) -> tuple[stde.AbstractFamily, ...]:
        operator = stde.Directional(self.drift) + 0.5 * stde.WeightedLaplacian(self.sigma)
        return operator.families(dim)


class FokkerPlanck(stde.AbstractOperator):
    """`L*p = −∇·(b p) + ½ Σ_ij ∂_i∂_j((σσᵀ)_ij p)`, adjoint to `DiffusionGenerator`, of the same fields.

    Written out, `½ tr(a∇²p) + (∇·a − b)·∇p − ∇·(b − ½∇·a) p`: the derivatives of b and σ are taken by
    nested AD, those of p by whichever estimator. Cost beside the generator's: dim derivatives of b;
    where σ is a function, O(dim⁴) numbers, which suits tens of dimensions.
    """

    drift: Any
    sigma: Any = 1.0

    def families(self, dim: int) -> tuple[stde.AbstractFamily, ...]:
        drift, spread = _field(self.drift), _spread(self.sigma)

        def velocity(x: stde.Point) -> Float[Array, " dim"]:
            return drift(x) - spread(x) / 2

        diffusion = 0.5 * stde.WeightedLaplacian(self.sigma)
        transport = stde.Directional(spread) - stde.Directional(self.drift)
        growth = (lambda x: -_divergence(velocity)(x)) * stde.Identity()
        return (diffusion + transport + growth).families(dim)


def _field(drift: Any) -> VectorField:
    return lambda x: jnp.asarray(drift(x) if callable(drift) else drift, x.dtype)


def _divergence(field: VectorField) -> Callable[[stde.Point], Array]:
    return lambda x: jnp.trace(jax.jacfwd(field)(x))


def _spread(sigma: Any) -> VectorField:
    """`(∇·a)_i = Σ_j ∂_j a_ij`: how noise that is stronger in places moves the density."""
    if not callable(sigma):
        return jnp.zeros_like

    def covariance(x: stde.Point) -> Float[Array, "dim dim"]:
        value = jnp.asarray(sigma(x), x.dtype)
        if value.ndim == 2:
            return value @ value.T
        return jnp.diag(jnp.broadcast_to(value**2, x.shape))

    return lambda x: jnp.einsum("ijj->i", jax.jacfwd(covariance)(x))


@stde.hookimpl
def stde_operators():
    return {"diffusion-generator": DiffusionGenerator, "fokker-planck": FokkerPlanck}
