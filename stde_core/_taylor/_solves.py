"""Rules for linear solves: `A y = b` degree by degree.

Every degree solves with the primal's A, so one factorisation serves all.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn
from jaxtyping import Array

from ._arithmetic import TaylorCoefficient, dense
from ._interpreter import propagate
from ._polynomial import Bilinear, Constant, Polynomial, Value, coefficients, divide, primal
from ._rules import bind, rule
from ._truncation import Expansion
from ._versions import opened

Wanted = Sequence[bool]


@rule("triangular_solve")
def _triangular_solve(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted
) -> Sequence[Value]:
    matrix, right = inputs

    def product(y: Constant, a: Constant) -> Array:
        return _triangular_product(a, y, **eqn.params)

    quotient = bind(eqn, primal(matrix), primal(right))[0]

    def solve(c: TaylorCoefficient) -> TaylorCoefficient:
        return jax.vmap(lambda b: bind(eqn, primal(matrix), b)[0])(dense(c))

    return [divide(expansion, Bilinear.vmapped(product), solve, quotient, right, matrix)]


def _triangular_product(
    a: Constant,
    y: Constant,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> Array:
    """The product with y that is linear in the triangle of `a` which the solve reads."""
    # A unit diagonal is constant, so a change of the matrix has none.
    diagonal = -1 if unit_diagonal else 0
    a = jnp.tril(a, diagonal) if lower else jnp.triu(a, -diagonal)
    a = jnp.conj(a) if conjugate_a else a
    a = jnp.swapaxes(a, -1, -2) if transpose_a else a
    return jnp.matmul(a, y, precision="highest") if left_side else jnp.matmul(y, a, precision="highest")


@rule("linear_solve")
def _linear_solve(
    expansion: Expansion, eqn: JaxprEqn, inputs: list[Value], wanted: Wanted
) -> Sequence[Value]:
    """`jax.lax.custom_linear_solve`: solve for the residual of the lower degrees, degree by degree."""
    lengths, jaxprs = eqn.params["const_lengths"], eqn.params["jaxprs"]
    count = lengths.matvec + lengths.vecmat + lengths.solve + lengths.transpose_solve
    matvec_consts, right = inputs[: lengths.matvec], inputs[count:]
    constants = [primal(value) for value in inputs[:count]]
    solution: list[Value] = list(bind(eqn, *map(primal, inputs)))
    for degree in range(1, expansion.truncation.order + 1):
        products = propagate(expansion, *opened(jaxprs.matvec), [*matvec_consts, *solution])
        for key in (key for key in expansion.truncation.keys if expansion.truncation.degrees[key] == degree):
            residual = [_difference(key, b, p) for b, p in zip(right, products, strict=True)]
            if any(r is not None for r in residual):
                solution = _append(eqn, constants, solution, key, residual)
    return solution


def _difference(key: Any, right: Value, product: Value) -> TaylorCoefficient | None:
    b, p = coefficients(right).get(key), coefficients(product).get(key)
    if p is None:
        return b
    return -dense(p) if b is None else dense(b) - dense(p)


def _append(
    eqn: JaxprEqn, constants: list[Constant], solution: list[Value], key: Any, residual: list[Any]
) -> list[Value]:
    """The solution with one more coefficient."""
    samples = next(r.shape[0] for r in residual if r is not None)
    filled = [
        jnp.zeros((samples, *primal(y).shape), primal(y).dtype) if r is None else dense(r)
        for r, y in zip(residual, solution, strict=True)
    ]
    new = jax.vmap(lambda *b: bind(eqn, *constants, *b))(*filled)
    return [Polynomial(primal(y), {**coefficients(y), key: c}) for y, c in zip(solution, new, strict=True)]
