"""`python -m benchmarks operators`: loss and gradient of operators, methods side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from stde_core import check_count

from ._bench import Question, answer, choose, silent
from ._networks import check_size, describe_size, network
from ._report import Report
from ._schedule import Budget, Event
from ._work import Work
from ._workloads import WORKLOADS


@dataclass(frozen=True)
class OperatorTask:
    """Mean squared residual on fixed points, and its gradient, by one method."""

    method: str
    workload: str
    dim: int
    size: str
    batch: int
    seed: int

    @property
    def case(self) -> dict[str, Any]:
        """What is the same for all methods of a row."""
        shape = describe_size(self.size)
        size = self.size if self.size.startswith("residual") else f"{self.size} ({shape})"
        return {"workload": self.workload, "inputs": self.dim, "network": size}

    @property
    def note(self) -> str:
        """What to know about the numbers."""
        return WORKLOADS[self.workload].methods[self.method].note

    def refuses(self) -> str | None:
        """Why the method cannot do it, if so."""
        return WORKLOADS[self.workload].methods[self.method].refuses

    def build(self) -> Work:
        """Loss and gradient with respect to all parameters of the network."""
        residual = WORKLOADS[self.workload].methods[self.method].residual
        network_key, points_key, tangents_key = jax.random.split(jax.random.key(self.seed), 3)
        model = network(self.size, self.dim, key=network_key)
        points = jax.random.uniform(points_key, (self.batch, self.dim), minval=-1.0)
        params, static = eqx.partition(model, eqx.is_inexact_array)

        def loss(params: Any, step: Array, points: Array) -> Array:
            u = eqx.combine(params, static)
            keys = jax.random.split(jax.random.fold_in(tangents_key, step), self.batch)
            residuals = jax.vmap(lambda x, key: residual(u, x, key))(points, keys)
            return jnp.mean(jnp.sum(residuals**2, axis=1))

        def loss_and_gradient(params: Any, step: Array, points: Array) -> tuple[Any, Array]:
            value, gradient = jax.value_and_grad(loss)(params, step, points)
            return gradient, value

        return Work(loss_and_gradient, params, (points,))


def operators(
    workloads: Sequence[str] | None = None,
    sizes: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    *,
    dims: Sequence[int] | None = None,
    batch: int | None = None,
    seed: int = 0,
    repeats: int = 3,
    seconds: float = 3.0,
    memory_limit: float | None = None,
    time_limit: float = 600.0,
    reference: str = "stde",
    out: str | Path | None = None,
    report: Callable[[Event], None] = silent,
) -> Report:
    """Measures loss and gradient of operators: `python -m benchmarks operators`, methods side by side.

    The loss is the mean squared residual on a fixed batch of points, the gradient that in all
    parameters of the network. Names are those of `python -m benchmarks operators --help`.

    - `workloads`: all by default. `sizes`: "base" (4×128), "L=8", "h=512", …, of the networks;
      each workload's own by default. `dims`: of those workloads that have a choice.
    - `batch`: points, by default 1000 in few dimensions and 100 in many.
    - `repeats`: processes per method; `seconds`: of timed calls in each.
    - `memory_limit`: GB per process, by default nine tenths of the machine's; `time_limit`:
      seconds per process. A method that passes one is a row that says so.
    - `out`: a directory for `operators.json`, `operators.md` and `operators.png`; `report` gets
      the progress.

    Precision and device are those that JAX has by its environment variables.
    Raises `ValueError` for names and numbers that cannot be, before anything is timed.
    """
    budget = Budget(repeats, seconds, memory_limit, time_limit)
    names = choose("workload", workloads, list(WORKLOADS))
    known = dict.fromkeys(method for workload in WORKLOADS.values() for method in workload.methods)
    chosen = choose("method", methods, list(known))
    choose("method", [reference], list(known))
    for size in sizes or ():
        check_size(size)
    for dim in dims or ():
        check_count("dim", dim)
    if batch is not None:
        check_count("batch", batch)
    check_count("seed", seed, least=0)
    cases = [case for name in names for case in _cases(name, sizes, chosen, dims, batch, seed)]
    if not any(cases):
        raise ValueError(f"No workload of {', '.join(names)} has a method among {', '.join(chosen)}.")
    summaries = {name: WORKLOADS[name].summary for name in names}
    settings = {"workloads": summaries, "batch": batch, "seed": seed}
    title = "Mean squared residual and its gradient in the parameters"
    question = Question("operators", title, settings, cases, named=methods is not None)
    return answer(question, budget, reference, out, report)


def _cases(
    name: str,
    sizes: Sequence[str] | None,
    methods: Sequence[str],
    dims: Sequence[int] | None,
    batch: int | None,
    seed: int,
) -> list[list[OperatorTask]]:
    workload = WORKLOADS[name]
    return [
        [
            OperatorTask(method, name, dim, size, batch or workload.batch, seed)
            for method in workload.methods
            if method in methods
        ]
        for dim in dict.fromkeys(dims if dims and workload.any_dim else workload.dims)
        for size in dict.fromkeys(sizes or workload.sizes)
    ]
