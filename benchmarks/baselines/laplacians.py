"""Exact Laplacians: the forward Laplacian of folx as it comes, and nested AD."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

import stde_core as stde


def folx_laplacian(model: stde.Model, x: stde.Point) -> tuple[Array, Array]:
    """u and Δu in one pass (Li et al., 2024; folx with its defaults)."""
    from folx import forward_laplacian

    result = forward_laplacian(model)(x)
    return result.x, result.laplacian


def nested_laplacian(model: stde.Model, x: stde.Point) -> tuple[Array, Array]:
    """u and Δu, forward over reverse mode: a Hessian-vector product per coordinate."""
    gradient = jax.grad(model)

    def second(v: Array) -> Array:
        return jax.jvp(gradient, (x,), (v,))[1] @ v

    return model(x), jnp.sum(jax.vmap(second)(jnp.eye(x.shape[0], dtype=x.dtype)))


class Folx(stde.AbstractEstimator):
    """`folx_laplacian` as an estimator of the whole Laplacian.

    The estimator `forward-laplacian`, which takes what is left, multiplies by unit vectors there.
    """

    def plan(self, operators, dim, *, standard_error, model=None) -> stde.AbstractPlan:
        general = stde.get_estimator("forward-laplacian").plan(operators, dim, standard_error=standard_error)
        whole = isinstance(operators, stde.Laplacian) and operators.axes is None
        return FolxPlan(standard_error) if whole else general


class FolxPlan(stde.AbstractPlan):
    """The Laplacian by `folx_laplacian`."""

    standard_error: bool = eqx.field(static=True)
    cost: None = eqx.field(static=True, default=None)

    def run(self, model: stde.Model, x: stde.Point, *, key: PRNGKeyArray | None) -> stde.Estimate:
        value, laplacian = folx_laplacian(model, x)
        return stde.Estimate(laplacian, value, jnp.zeros(()) if self.standard_error else None)

    def describe(self) -> str:
        return "By folx: one forward Laplacian"
