from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import get_args

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from stde_core import check_choice, check_count

from .._checks import check_positive, is_number
from ._schedule import Schedule, scheduled
from ._stage import AbstractObjective, AbstractStage

_HALVINGS = 12


@dataclass(frozen=True)
class GaussNewton(AbstractStage):
    """Damped Gauss-Newton steps at fresh points, solved in the space of the residuals.

    `φ = Jᵀ (J Jᵀ + λ)⁻¹ (r − μ J φ') + μ φ'` with the Jacobian J of the residuals r in the
    parameters, λ the damping times the largest eigenvalue of J Jᵀ, φ' the step before and μ the
    momentum (SPRING; Goldshlager, Abrahamsen and Lin, 2024). Of φ, φ/2, φ/4, … the longest is taken
    that lowers the loss at these points, or a share of it that falls with the steps.

    For few inputs and residuals that are not sampled it gains orders of magnitude over Adam. Cost
    of a step with R residuals and P parameters: R gradients, R·P numbers, O(R²P + R³).

    - `batch`: points per condition and step.
    - `schedule`: how that share falls from 1 to (almost) 0; every step fits its own points, and in the
      end smaller ones average over many.
    """

    steps: int = 200
    batch: int = 300
    damping: float = 1e-7
    momentum: float = 0.8
    schedule: Schedule = "constant"

    def __post_init__(self) -> None:
        check_count("gauss_newton.steps", self.steps)
        check_count("gauss_newton.batch", self.batch)
        check_positive("gauss_newton.damping", self.damping)
        check_choice("gauss_newton.schedule", self.schedule, get_args(Schedule))
        if not (is_number(self.momentum) and 0 <= self.momentum < 1):
            raise ValueError(
                f"`gauss_newton.momentum` needs a number from 0 to below 1, got {self.momentum!r}."
            )

    @property
    def draws_anew(self) -> bool:
        return False  # a line search compares losses of one sample

    def init(self, params: PyTree) -> PyTree:
        return jnp.zeros_like(ravel_pytree(params)[0])

    def gentler(self) -> "GaussNewton":
        return replace(self, damping=10 * self.damping)

    @property
    def remedy(self) -> str:
        return (
            f"Raise `gauss_newton.damping` (now {self.damping:g}) or `gauss_newton.batch` (now {self.batch})"
        )

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        sample = objective.draw(params, self.batch, key=jax.random.fold_in(key, index))
        flat, unravel = ravel_pytree(params)

        def loss(at: Array) -> Array:
            residuals = objective.residuals(unravel(at), sample)
            return residuals @ residuals

        residuals = objective.residuals(params, sample)
        direction = self._direction(objective.jacobian(params, sample), residuals, self.momentum * state)
        before = residuals @ residuals
        length = _longest_descent(lambda length: loss(flat - length * direction), before)
        step = length * direction
        share = scheduled(self.schedule, 1.0, self.steps)(index)
        return unravel(flat - share * step), step, before

    def _direction(
        self,
        jacobian: Float[Array, "rows params"],
        residuals: Float[Array, " rows"],
        kept: Float[Array, " params"],
    ) -> Float[Array, " params"]:
        # A kernel of low rank: in single precision eigenvalues survive where a Cholesky factor does not.
        values, vectors = jnp.linalg.eigh(jacobian @ jacobian.T)
        damped = jnp.maximum(values, 0) + self.damping * values[-1]
        left = residuals - jacobian @ kept
        return kept + jacobian.T @ (vectors @ ((vectors.T @ left) / damped))


def _longest_descent(loss: Callable[[Array], Array], before: Float[Array, ""]) -> Float[Array, ""]:
    """The first of 1, 1/2, 1/4, … with a loss below `before`; 0 if there is none."""

    def too_long(state: tuple[Array, Array]) -> Array:
        length, value = state
        return jnp.logical_and(length > 0.5**_HALVINGS, jnp.logical_not(value < before))

    def halve(state: tuple[Array, Array]) -> tuple[Array, Array]:
        length = state[0] / 2
        return length, loss(length)

    one = jnp.ones_like(before)
    length, value = jax.lax.while_loop(too_long, halve, (one, loss(one)))
    return jnp.where(value < before, length, 0.0)
