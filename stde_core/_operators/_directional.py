from typing import Any, SupportsIndex

import equinox as eqx

from .._terms import AbstractFamily, LinearFamily, PowerFamily
from .._terms._coefficient import Coefficient, as_coefficient
from .._terms._vectors import ColumnVectors
from ..checks import as_int, check_count
from ._base import AbstractOperator
from ._laplacian import _shape


class Directional(AbstractOperator):
    """`D^k u(x)[v, …, v]` along one direction v: `[dim]`, or a function of x that returns one.

    `Directional(lambda x: x)` is x·∇u: one tangent, not one per dimension.
    Raises `ValueError` if v does not have the shape of x, `TypeError` if it is no array.
    """

    direction: Any
    order: int = eqx.field(static=True)

    def __init__(self, direction: Any, order: SupportsIndex = 1):
        self.order = as_int(order)
        check_count("Directional(v, order)", self.order)
        self.direction = as_coefficient(direction)

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        shape = _shape(self.direction, dim)
        if shape != (dim,):
            raise ValueError(f"`Directional(v)` in {dim} dimensions needs v of shape ({dim},), got {shape}.")
        vectors = ColumnVectors((self.direction,), (1,), (range(dim),))
        if self.order == 1:
            return (LinearFamily(((vectors, Coefficient()),)),)
        return (PowerFamily(self.order, vectors),)
