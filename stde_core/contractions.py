"""Contractions of a model's derivative tensors, the building blocks of estimators.

Each is called as `contract(model, x, directions, monomials)` and returns, for n samples of m
directions and each monomial `p = (p_1, …, p_m)`, the values `D^|p| u(x)[v_1^p_1, …, v_m^p_m]` as
`[n, *out]`. Pass one to `SamplingPlan(…, contract=…)`.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from ._plan import Contraction as Contraction
from ._taylor import forward as forward
from ._taylor import gradient
from ._taylor import hessian_vector as hessian_vector
from ._taylor import nested as nested
from ._taylor import reverse as reverse
from ._taylor import taylor as taylor
from ._terms import AbstractFamily
from ._terms._tangents import Draw, Tangents
from ._types import Model, Point


def linear_map(
    family: AbstractFamily, model: Model, x: Point
) -> Callable[[Float[Array, " size"]], Inexact[Array, "*out size"]]:
    """`z ↦ M z` for the matrix M whose trace is the family; its contraction along noise z is `zᵀMz`.

    For second-order families `M z` is a Hessian-vector product for each component of the model's output,
    forward mode under reverse mode; for a divergence a Jacobian-vector product. Trace estimators that need
    products with M build on it, such as Hutch++ (Meyer, Musco, Musco and Woodruff, 2021).

    Raises `ValueError` for families that are no trace: their contraction is not quadratic in the noise.
    """
    if family.isotropic is None or sum(family.powers) != (2 if family.output_size is None else 1):
        raise ValueError(
            "`contractions.linear_map(family, …)` needs a Laplacian, with any weights, or a divergence, "
            f"which are traces; got powers {family.powers} of {family.size} terms."
        )

    def tangents(z: Float[Array, " size"]) -> Tangents:
        return family.tangents(Draw(jnp.ones(1), noise=z[None, None]), x)

    def vectors(z: Float[Array, " size"]) -> Float[Array, "m dim"]:
        return tangents(z).directions.dense(x.shape[0], x.dtype)[0]

    def jacobian_vector(z: Float[Array, " size"]) -> Inexact[Array, " size"]:
        return tangents(z).weights[0] * forward(model, vectors(z)[0])(x)

    def hessian_vector(z: Float[Array, " size"]) -> Inexact[Array, "*out size"]:
        def slope(w: Float[Array, " size"]) -> Inexact[Array, "*out"]:
            return forward(model, vectors(z)[-1])(x + vectors(w)[0])

        return tangents(z).weights[0][..., None] * gradient(slope)(jnp.zeros_like(z))

    return hessian_vector if family.output_size is None else jacobian_vector
