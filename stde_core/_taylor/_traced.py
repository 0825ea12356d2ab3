"""A model traced once, for all passes at one point."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jaxtyping import Array, Inexact, PyTree

from .._types import Model, Point


@dataclass(frozen=True, eq=False)
class TracedModel:
    """A model as a jaxpr: evaluations and Taylor passes do not run its Python code again.

    `output` is the shape and dtype of its output, or a tree of them.
    """

    jaxpr: ClosedJaxpr
    output: PyTree[jax.ShapeDtypeStruct]

    def __call__(self, x: Point) -> Inexact[Array, "..."]:
        return jaxpr_as_fun(self.jaxpr)(x)[0]

    def fits(self, x: Point) -> bool:
        """Whether it was traced at a point of this type."""
        (aval,) = self.jaxpr.in_avals
        return aval.shape == jnp.shape(x) and aval.dtype == x.dtype


def traced(model: Model, x: Point) -> TracedModel:
    """The trace of a model at a point; a model that is traced already is returned unchanged."""
    if isinstance(model, TracedModel) and model.fits(x):
        return model
    return TracedModel(*jax.make_jaxpr(model, return_shape=True)(x))
