"""Exact Laplacians: the forward Laplacian of folx as it comes, and nested AD."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, PyTree

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

    def refuses(self, operators: PyTree[stde.AbstractOperator], dim: int) -> str | None:
        return stde.get_estimator("forward-laplacian").refuses(operators, dim)

    def __call__(
        self,
        operators: PyTree[stde.AbstractOperator],
        model: stde.Model,
        x: stde.Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> stde.Estimate:
        if not isinstance(operators, stde.Laplacian) or operators.axes is not None:
            general = stde.get_estimator("forward-laplacian")
            return general(operators, model, x, key=key, standard_error=standard_error)
        value, laplacian = folx_laplacian(model, x)
        return stde.Estimate(laplacian, value, jnp.zeros(()) if standard_error else None)
