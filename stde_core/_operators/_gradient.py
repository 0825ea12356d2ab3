from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Inexact, PyTree

from .._taylor import gradient
from .._terms import AbstractFamily
from .._terms._axes import StaticAxes, resolve_axes, static_axes
from .._types import Point
from ._base import AbstractOperator, is_operator


class Gradient(AbstractOperator):
    """`(∂_i u)` for i in `axes` (all by default): a vector, `[*out, len(axes)]`, never sampled.

    Cost: one reverse pass per component of the output, whatever the estimator. It is no part of the
    algebra of operators; build nonlinear terms such as |∇u|² from its value.
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


def without_gradients(operators: PyTree[AbstractOperator]) -> tuple[Any, Any]:
    """A tree of operators, split in two: without its `Gradient`s, and with them only, None elsewhere."""
    return eqx.partition(operators, lambda o: not isinstance(o, Gradient), is_leaf=is_operator)
