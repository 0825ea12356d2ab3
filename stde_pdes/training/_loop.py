"""The training loop: jitted chunks of steps, errors and progress in between."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PRNGKeyArray

import stde_core as stde

from .._held_out import HeldOut
from .._problem import AbstractProblem
from .._settings import Training
from ._errors import Errors, measure
from ._loss import loss

# Between two reports lie about so many seconds, so that progress is seen and interrupts are answered.
_CHUNK_SECONDS = 1.0
_MEASUREMENTS = 20


@dataclass(frozen=True)
class Progress:
    """The state of a run after `step` steps: the last chunk's mean loss, and the errors if measured."""

    step: int
    loss: float
    seconds: float
    steps_per_second: float
    errors: Errors | None = None


@dataclass(frozen=True)
class Trained:
    """A trained network, with the progress at its last step."""

    network: Any
    progress: Progress


def train(
    problem: AbstractProblem,
    network: Any,
    estimator: stde.AbstractEstimator,
    training: Training,
    held_out: HeldOut,
    *,
    key: PRNGKeyArray,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Trains `network` inside the problem's ansatz.

    Step i draws its points and tangents from `fold_in(key, i)`. `report` is called after every
    chunk of steps; errors are measured about 20 times, and after the last step.
    Raises `FloatingPointError` where the loss is not finite.
    """
    params, static = eqx.partition(network, eqx.is_inexact_array)
    params = jax.tree.map(jnp.copy, params)  # the caller's own are not given away
    state = training.optimiser().init(params)
    advance = _compile_chunk(problem, params, static, state, estimator, training, key)
    step, length, seconds = 0, 1, 0.0
    while True:
        started = time.perf_counter()
        params, state, mean_loss = jax.block_until_ready(advance(params, state, step, length))
        seconds += time.perf_counter() - started
        before, step = step, step + length
        _check_finite(mean_loss, step, training)
        errors = None
        if step == training.steps or _measurements(step, training) > _measurements(before, training):
            errors = measure(problem, eqx.combine(params, static), held_out)
        progress = Progress(step, float(mean_loss), seconds, step / seconds, errors)
        report(progress)
        if step == training.steps:
            return Trained(eqx.combine(params, static), progress)
        length = min(max(1, int(step / seconds * _CHUNK_SECONDS)), training.steps - step)


def _measurements(step: int, training: Training) -> int:
    """How many times errors should have been measured by a step."""
    return step * _MEASUREMENTS // training.steps


def _check_finite(mean_loss: Array, step: int, training: Training) -> None:
    if not jnp.isfinite(mean_loss):
        raise FloatingPointError(
            f"The loss or the network is not finite any more at step {step}; lower `learning_rate` "
            f"(now {training.learning_rate:g}), or take more samples."
        )


def _compile_chunk(
    problem: AbstractProblem,
    params: Any,
    static: Any,
    state: Any,
    estimator: stde.AbstractEstimator,
    training: Training,
    key: PRNGKeyArray,
) -> Callable[[Any, Any, int, int], tuple[Any, Any, Array]]:
    """A compiled function that makes `length` steps from a given one, reusing its buffers."""
    optimiser = training.optimiser()

    def objective(params: Any, key: PRNGKeyArray) -> Array:
        model = problem.ansatz(eqx.combine(params, static))
        return loss(problem, model, estimator, training, key=key)

    def one_step(step: Array, carry: tuple[Any, Any, Array]) -> tuple[Any, Any, Array]:
        params, state, total = carry
        value, gradient = jax.value_and_grad(objective)(params, jax.random.fold_in(key, step))
        updates, state = optimiser.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, total + value

    @partial(jax.jit, donate_argnums=(0, 1))
    def advance(params: Any, state: Any, step: Array, length: Array) -> tuple[Any, Any, Array]:
        # A loop of traced length compiles once for chunks of any size.
        carry = (params, state, jnp.zeros(()))
        params, state, total = jax.lax.fori_loop(step, step + length, one_step, carry)
        healthy = jnp.isfinite(optax.tree.norm(params))
        return params, state, jnp.where(healthy, total / length, jnp.nan)

    with jax.default_matmul_precision("highest"):
        return advance.lower(params, state, 0, 1).compile()
