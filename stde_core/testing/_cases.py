"""Operators of all kinds, each with its value from the derivative tensors of a model."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._operators import (
    AbstractOperator,
    Biharmonic,
    Directional,
    Divergence,
    Gradient,
    Laplacian,
    PowerSum,
    WeightedLaplacian,
    partial,
)

# The model's outputs, as many as the divergence needs, and the axes that it is taken over.
OUT = 3


class Case(NamedTuple):
    """An operator, and its value at x from the tensors `D[0], D[1], …`, `D[k]` being `[OUT, dim, …, dim]`."""

    operator: AbstractOperator
    reference: Callable[[list[np.ndarray], np.ndarray], np.ndarray]


def cases(dim: int) -> dict[str, Case]:
    """Every kind of family and coefficient, in at least four dimensions."""
    diagonal = np.linspace(0.5, 1.5, dim)
    matrix = np.cos(np.arange(3.0 * dim)).reshape(dim, 3)
    d: Any = [partial(axis) for axis in range(dim)]
    return {
        "partial(-1) + Laplacian(axes=slice(0, -1))": Case(
            d[-1] + Laplacian(axes=slice(0, -1)),
            lambda D, x: D[1][:, -1] + np.einsum("oii->o", D[2][:, :-1, :-1]),
        ),
        "Laplacian()": Case(Laplacian(), lambda D, x: np.einsum("oii->o", D[2])),
        "f * Laplacian()": Case(
            (lambda x: 1 + x[0] ** 2) * Laplacian(),
            lambda D, x: (1 + x[0] ** 2) * np.einsum("oii->o", D[2]),
        ),
        "WeightedLaplacian(diagonal)": Case(
            WeightedLaplacian(diagonal), lambda D, x: np.einsum("oii,i->o", D[2], diagonal**2)
        ),
        "WeightedLaplacian(matrix)": Case(
            WeightedLaplacian(matrix), lambda D, x: np.einsum("oij,ik,jk->o", D[2], matrix, matrix)
        ),
        "PowerSum(3)": Case(PowerSum(3), lambda D, x: np.einsum("oiii->o", D[3])),
        "Biharmonic()": Case(Biharmonic(), lambda D, x: np.einsum("oiijj->o", D[4])),
        "polynomial": Case(
            d[0] ** 2 * d[1] + 3 * d[1] * d[2] - 0.5 * d[3] + 2,
            lambda D, x: D[3][:, 0, 0, 1] + 3 * D[2][:, 1, 2] - 0.5 * D[1][:, 3] + 2 * D[0],
        ),
        "Directional(x)": Case(Directional(lambda x: x), lambda D, x: np.einsum("oi,i->o", D[1], x)),
        "Divergence()": Case(Divergence(axes=range(OUT)), lambda D, x: np.einsum("ii->", D[1][:, :OUT])),
        "Gradient()": Case(Gradient(axes=(0, -1)), lambda D, x: D[1][:, [0, -1]]),
    }
