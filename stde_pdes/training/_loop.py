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
from ..optimisers import AbstractStage
from ._errors import Errors, measure
from ._objective import Objective

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
    """Trains `network` inside the problem's ansatz, by one stage of `training` after the other.

    Step i of stage s draws its points and tangents from `fold_in(fold_in(key, s), i)`. `report` is
    called after every chunk of steps; errors are measured about 20 times, and after the last step.
    Raises `FloatingPointError` where the loss is not finite.
    """
    check(problem, training)
    params, static = eqx.partition(network, eqx.is_inexact_array)
    params = jax.tree.map(jnp.copy, params)  # the caller's own are not given away

    def model(params: Any) -> stde.Model:
        return problem.ansatz(eqx.combine(params, static))

    objective = Objective(problem, model, estimator, training)
    meter = _Meter(problem, static, training, held_out, report)
    for number, stage in enumerate(training.stages()):
        params = _run(stage, objective, params, meter, key=jax.random.fold_in(key, number))
    assert meter.progress is not None
    return Trained(eqx.combine(params, static), meter.progress)


def check(problem: AbstractProblem, training: Training) -> None:
    """Raises `ValueError` for settings that the problem gives no meaning."""
    if training.causal is not None and problem.time_arrow == 0:
        raise ValueError("`causal` needs a problem in time, and this one has none; leave it out.")
    if training.gpinn_weight > 0 and not all(c.differentiable for c in problem.conditions):
        raise ValueError(
            "`gpinn_weight` needs derivatives of the residual, which this problem's ansatz does not "
            "have; leave it out."
        )


class _Meter:
    """Counts steps over all stages, measures errors and reports."""

    def __init__(
        self,
        problem: AbstractProblem,
        static: Any,
        training: Training,
        held_out: HeldOut,
        report: Callable[[Progress], None],
    ):
        self.problem, self.static, self.training = problem, static, training
        self.held_out, self.report = held_out, report
        self.step, self.seconds = 0, 0.0
        self.progress: Progress | None = None

    def record(self, params: Any, mean_loss: Array, length: int, seconds: float) -> None:
        """Takes up a chunk of `length` steps."""
        before, self.step = self.step, self.step + length
        self.seconds += seconds
        self._check_finite(mean_loss)
        errors, total = None, self.training.total_steps
        if self.step * _MEASUREMENTS // total > before * _MEASUREMENTS // total:
            errors = measure(self.problem, eqx.combine(params, self.static), self.held_out)
        speed = length / seconds
        self.progress = Progress(self.step, float(mean_loss), self.seconds, speed, errors)
        self.report(self.progress)

    def _check_finite(self, mean_loss: Array) -> None:
        if not jnp.isfinite(mean_loss):
            raise FloatingPointError(
                f"The loss or the network is not finite any more at step {self.step}; lower "
                f"`learning_rate` (now {self.training.learning_rate:g}), or take more samples."
            )


def _run(stage: AbstractStage, objective: Objective, params: Any, meter: _Meter, *, key: PRNGKeyArray) -> Any:
    """The parameters after all steps of a stage."""
    state = jax.tree.map(jnp.copy, stage.init(params))  # which may hold the parameters themselves
    advance = _compile_chunk(stage, objective, params, state, key=key)
    step, length, spent = 0, 1, 0.0
    while step < stage.steps:
        started = time.perf_counter()
        params, state, mean_loss = jax.block_until_ready(advance(params, state, step, length))
        seconds = time.perf_counter() - started
        step, spent = step + length, spent + seconds
        meter.record(params, mean_loss, length, seconds)
        length = min(max(1, int(step / spent * _CHUNK_SECONDS)), stage.steps - step)
    return params


def _compile_chunk(
    stage: AbstractStage, objective: Objective, params: Any, state: Any, *, key: PRNGKeyArray
) -> Callable[[Any, Any, int, int], tuple[Any, Any, Array]]:
    """A compiled function that makes `length` steps from a given one, reusing its buffers."""

    def one_step(step: Array, carry: tuple[Any, Any, Array]) -> tuple[Any, Any, Array]:
        params, state, total = carry
        params, state, value = stage.step(objective, params, state, step, key=key)
        return params, state, total + value

    @partial(jax.jit, donate_argnums=(0, 1))
    def advance(params: Any, state: Any, step: Array, length: Array) -> tuple[Any, Any, Array]:
        # A loop of traced length compiles once for chunks of any size.
        carry = (params, state, jnp.zeros(()))
        params, state, total = jax.lax.fori_loop(step, step + length, one_step, carry)
        healthy = jnp.isfinite(optax.tree.norm(params))
        return params, state, jnp.where(healthy, total / length, jnp.nan)

    with jax.default_matmul_precision("highest"):
        return advance.lower(params, state, 0, 1).compile()
