"""Many steps in one call, between which progress is told and checkpoints are written."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..optimisers import AbstractObjective, AbstractStage
from ._snapshot import Place

_SECONDS = 1.0

Carry = tuple[Any, Any, Float[Array, ""], Int[Array, ""], Bool[Array, ""]]
Advance = Callable[[Any, Any, int, int], Carry]


def chunk_length(began: Place, place: Place, steps: int) -> int:
    """How many of a stage's steps to make at once, for about a second at the pace since it `began`.

    A power of two that divides the step, or what is left: runs of all speeds stop at the same
    steps, but for those that a faster one passes over.
    """
    spent = place.seconds - began.seconds
    wanted = max(1, int((place.step - began.step) / spent * _SECONDS)) if spent else 1
    aligned = place.step & -place.step or 1
    return min(1 << (wanted.bit_length() - 1), aligned, steps - place.step)


def compile_chunk(
    stage: AbstractStage, objective: AbstractObjective, params: Any, state: Any, *, key: PRNGKeyArray
) -> Advance:
    """A compiled function of parameters, state, step and length that reuses their memory.

    It returns parameters, state, the sum of the losses, how many steps were made, and whether all
    is finite. At a loss that is not finite it stops, with the parameters that have it.
    """

    def one_step(carry: Carry) -> Carry:
        old, old_state, total, step, _ = carry
        new, new_state, loss = stage.step(objective, old, old_state, step, key=key)
        finite = jnp.isfinite(loss)
        params, state = jax.tree.map(partial(jnp.where, finite), (new, new_state), (old, old_state))
        return params, state, total + loss, step + finite, finite

    @partial(jax.jit, donate_argnums=(0, 1))
    def advance(params: Any, state: Any, step: Array, length: Array) -> Carry:
        # A loop of traced length compiles once for chunks of any size.
        end = step + length
        start = (params, state, jnp.zeros(()), step, jnp.ones((), bool))
        params, state, total, reached, finite = jax.lax.while_loop(
            lambda carry: carry[4] & (carry[3] < end), one_step, start
        )
        return params, state, total, reached - step, finite & jnp.isfinite(optax.tree.norm(params))

    return advance.lower(params, state, 0, 1).compile()
