"""`python -m benchmarks step`: one training step, methods side by side."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import optax
from jaxtyping import Array

from stde_core import check_count
from stde_core.plugins import registry
from stde_pdes import AbstractProblem, Training, get_problem
from stde_pdes.models import MLP

from ._bench import Question, answer, choose, silent
from ._methods import METHODS
from ._report import Report
from ._schedule import Budget, Event
from ._work import Measurable, Work

_LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class StepTask:
    """One training step of a problem by one method."""

    method: str
    dim: int
    problem: str
    num_samples: int
    batch: int
    width: int
    depth: int
    shared_tangents: bool
    seed: int

    @property
    def case(self) -> dict[str, Any]:
        """What is the same for all methods of a row."""
        return {"dim": self.dim}

    @property
    def note(self) -> str:
        """What to know about the numbers."""
        return METHODS[self.method].note

    def refuses(self) -> str | None:
        """Why the method cannot do the problem, if so."""
        return METHODS[self.method].refuses(_problem(self.problem, self.dim), self.num_samples)

    def build(self) -> Measurable:
        """Fresh points, right-hand side, tangents, loss, gradient, and an update by Adam."""
        problem = _problem(self.problem, self.dim)
        training = Training(
            batch=self.batch, learning_rate=_LEARNING_RATE, shared_tangents=self.shared_tangents
        )
        network_key, step_key = jax.random.split(jax.random.key(self.seed))
        network = MLP(self.width, self.depth)(problem.num_features, key=network_key)
        method = METHODS[self.method]
        if method.build is not None:
            return method.build(problem, network, training, self.num_samples, self.seed)
        assert method.objective is not None
        objective = method.objective(problem, training, self.num_samples)
        optimiser = optax.adam(_LEARNING_RATE)
        params, static = eqx.partition(network, eqx.is_inexact_array)

        def step(state: Any, step: Array) -> tuple[Any, Array]:
            params, moments = state
            key = jax.random.fold_in(step_key, step)
            value, gradient = jax.value_and_grad(
                lambda params: objective(eqx.combine(params, static), key=key)
            )(params)
            updates, moments = optimiser.update(gradient, moments, params)
            return (optax.apply_updates(params, updates), moments), value

        return Work(step, (params, optimiser.init(params)), advances=True)


@functools.lru_cache(maxsize=1)
def _problem(name: str, dim: int) -> AbstractProblem:
    return get_problem(name, dim=dim)


def step(
    problem: str = "sine-gordon-two-body",
    dims: Sequence[int] = (100, 1000),
    methods: Sequence[str] | None = None,
    *,
    num_samples: int = 16,
    batch: int = 100,
    width: int = 128,
    depth: int = 3,
    shared_tangents: bool = False,
    seed: int = 0,
    repeats: int = 3,
    seconds: float = 3.0,
    memory_limit: float | None = None,
    time_limit: float = 600.0,
    reference: str = "stde",
    out: str | Path | None = None,
    report: Callable[[Event], None] = silent,
) -> Report:
    """Measures one training step, as `python -m benchmarks step` does: methods side by side, a process each.

    A step is fresh points, right-hand side, tangents, loss, gradient and an update by Adam, its
    buffers reused. The same seed gives all methods in JAX the same network, points and tangents, but for
    `released`, which has its own.

    - `methods`: names from `python -m benchmarks step --help`; all that can do the problem by default.
    - `depth`: hidden layers. `shared_tangents`: one draw for all points, rather than one each.
    - `repeats`: processes per method; `seconds`: of timed steps in each.
    - `memory_limit`: GB per process, by default nine tenths of the machine's; `time_limit`:
      seconds per process. A method that passes one is a row that says so.
    - `out`: a directory for `step.json`, `step.md` and `step.png`; `report` gets the progress.

    Precision and device are those that JAX has by its environment variables.
    Raises `ValueError` for names and numbers that cannot be, before anything is timed.
    """
    budget = Budget(repeats, seconds, memory_limit, time_limit)
    factory = registry().entry("problems", problem).load()
    if "dim" not in inspect.signature(factory).parameters:
        raise ValueError(f"`{problem}` has no dimension to choose; the benchmark `step` needs one that has.")
    if not dims:
        raise ValueError("`dims` needs at least one dimension.")
    for name, value in {"num_samples": num_samples, "batch": batch, "width": width, "depth": depth}.items():
        check_count(name, value)
    check_count("seed", seed, least=0)
    chosen = choose("method", methods, list(METHODS))
    choose("method", [reference], list(METHODS))
    settings = {
        "problem": problem,
        "num_samples": num_samples,
        "batch": batch,
        "width": width,
        "depth": depth,
        "shared_tangents": shared_tangents,
        "seed": seed,
    }
    for dim in dims:
        check_count("dim", dim)
    cases = [
        [StepTask(method=method, dim=dim, **settings) for method in chosen] for dim in dict.fromkeys(dims)
    ]
    tangents = "shared tangents" if shared_tangents else "tangents per point"
    title = (
        f"One training step of {problem}: batch {batch}, {num_samples} samples, {tangents}, "
        f"tanh MLP with {depth} hidden layers of {width}"
    )
    question = Question("step", title, settings, cases, named=methods is not None)
    return answer(question, budget, reference, out, report)
