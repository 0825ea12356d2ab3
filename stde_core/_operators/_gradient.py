from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Inexact

from .._axes import StaticAxes, resolve_axes, static_axes
from .._families import AbstractFamily
from .._operator import AbstractOperator
from .._taylor import gradient
from .._types import Point


class Gradient(AbstractOperator):
    """`(∂_i u)` for i in `axes` (all by default): a vector, `[*out, len(axes)]`, never sampled.

    One reverse pass (per component of the output). Every estimator gives it exactly. It stands by
    itself: nonlinear terms such as |∇u|² are built from its value.
    """

    axes: StaticAxes = eqx.field(static=True, converter=static_axes, default=None)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        raise TypeError(
            "`Gradient` is vector-valued: it cannot be added to, multiplied with or scaled like other "
            "operators; ask for it by itself and build nonlinear terms from its value."
        )

    def __call__(self, model: Callable[[Point], Array], x: Point) -> Inexact[Array, "..."]:
        """The gradient of `model` at `x`, by reverse mode."""
        axes = resolve_axes(self.axes, x.shape[0])
        partials = gradient(model)(x)
        if axes == range(x.shape[0]):
            return partials
        return jnp.take(partials, np.asarray(axes), axis=-1)
