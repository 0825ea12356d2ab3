"""What is measured: a function that is compiled once and called again and again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
from jaxtyping import Array

from stde_pdes.memory import peak_memory_mb


class Ready(NamedTuple):
    """Work that is compiled: `call(step)` does it once, waits for the end, and returns the loss."""

    call: Callable[[int], float]
    trace_seconds: float
    compile_seconds: float
    peak_memory_mb: Callable[[], float]


@runtime_checkable
class Measurable(Protocol):
    """What can be compiled and called."""

    def ready(self) -> Ready:
        """Compiles."""
        ...


@dataclass(frozen=True)
class Work:
    """`function(state, step, *arguments) -> (result, loss)`, to be compiled and timed.

    Where it `advances`, the result is the next state; with `donates`, the state's buffers are given away
    to it.
    """

    function: Callable[..., tuple[Any, Array]]
    state: Any
    arguments: tuple[Any, ...] = ()
    advances: bool = False
    donates: bool = True

    def ready(self) -> Ready:
        """Traces and compiles, each with its time. Products are in full precision."""
        started = time.perf_counter()
        with jax.default_matmul_precision("highest"):
            jitted = jax.jit(self.function, donate_argnums=(0,) if self.advances and self.donates else ())
            lowered = jitted.trace(self.state, 0, *self.arguments).lower()
        traced = time.perf_counter()
        compiled = lowered.compile()
        seconds = traced - started, time.perf_counter() - traced
        return Ready(self._caller(compiled), *seconds, peak_memory_mb)

    def _caller(self, compiled: Callable[..., tuple[Any, Array]]) -> Callable[[int], float]:
        state = self.state

        def call(step: int) -> float:
            nonlocal state
            result, loss = jax.block_until_ready(compiled(state, step, *self.arguments))
            if self.advances:
                state = result
            return float(loss)

        return call
