from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._terms import AbstractFamily, PowerFamily
from .._terms._axes import AxesLike, ResolvedAxes, StaticAxes, resolve_axes, sorted_axes, static_axes
from .._terms._coefficient import (
    Coefficient,
    CoefficientFunction,
    FrozenArray,
    Summand,
    as_coefficient,
    evaluate,
)
from .._terms._vectors import ColumnVectors, CoordinateVectors
from ._base import AbstractOperator


class Laplacian(AbstractOperator):
    """`Δ = Σ_i ∂_i²` over `axes` (all by default).

    Exact along the axes, or along noise: Dangel et al. (NeurIPS 2025, arXiv:2505.13644), Eq. (7a).
    """

    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return (PowerFamily(2, CoordinateVectors(sorted_axes(resolve_axes(self.axes, dim)))),)


class WeightedLaplacian(AbstractOperator):
    """`tr(σσᵀ∇²)` over `axes`, without the ½ of a generator.

    `sigma` is a scalar, `[len(axes)]` (a diagonal), `[len(axes), r]`, or a function of x that
    returns one of these. A matrix has one term for each of its r columns (Dangel et al., NeurIPS 2025,
    arXiv:2505.13644, Eq. (8a)), a diagonal one for each axis. Raises `ValueError` for any other shape.
    """

    sigma: Any
    axes: StaticAxes = eqx.field(static=True)

    def __init__(self, sigma: Any, axes: AxesLike = None):
        self.sigma = as_coefficient(sigma)
        self.axes = static_axes(axes)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        axes = resolve_axes(self.axes, dim)
        match _shape(self.sigma, dim):
            case ():
                vectors = CoordinateVectors(sorted_axes(axes))
                return (PowerFamily(2, vectors).scaled(self.sigma).scaled(self.sigma),)
            case (length,) if length == len(axes):
                entries = Summand(entries=_squared(self.sigma))
                return (PowerFamily(2, CoordinateVectors(axes), Coefficient((entries,))),)
            case (length, width) if length == len(axes) and width > 0:
                return (PowerFamily(2, ColumnVectors((self.sigma,), (width,), (axes,))),)
            case shape:
                raise ValueError(_shape_error(shape, axes))


def _shape(sigma: Any, dim: int) -> tuple[int, ...]:
    """The shape of sigma; a function is traced for it."""
    if isinstance(sigma, CoefficientFunction):
        return jax.eval_shape(
            lambda x: evaluate(sigma, x), jax.ShapeDtypeStruct((dim,), jnp.zeros(()).dtype)
        ).shape
    return sigma.shape if isinstance(sigma, FrozenArray) else jnp.shape(sigma)


def _squared(sigma: Any) -> Any:
    match sigma:
        case CoefficientFunction():
            return lambda x: evaluate(sigma, x) ** 2
        case FrozenArray():
            return np.square(sigma.array())
        case _:
            return sigma**2


def _shape_error(shape: tuple[int, ...], axes: ResolvedAxes) -> str:
    return (
        f"`WeightedLaplacian(sigma)` on {len(axes)} axes needs sigma to be a scalar, "
        f"[{len(axes)}] or [{len(axes)}, r], got shape {shape}."
    )
