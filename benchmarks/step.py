"""`python -m benchmarks step`: one training step, methods side by side."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click
import equinox as eqx
import jax
import optax
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde
from stde_core.plugins import registry
from stde_pdes import MLP, Problem, Training, get_problem
from stde_pdes import training as training_of

from .baselines import Setting, hand_written, released, sdgd_torch
from .baselines.derivatives import Contracting, Folx, stde_jet
from .options import COUNT, COUNTS, NAMES, listed, timed
from .rows import CASES
from .runner import Question, Work, choose

_ON_THE_BALL = tuple(
    f"{equation}-{bodies}-body"
    for bodies in ("two", "three")
    for equation in ("poisson", "allen-cahn", "sine-gordon")
)


def _by(name: str, **fields: Any) -> Callable[[int], stde.AbstractEstimator]:
    return lambda num_samples: stde.get_estimator(name, num_samples=num_samples, **fields)


_OURS = _by("stde")


@dataclass(frozen=True)
class Method:
    """A way to make a step.

    - `estimator(num_samples)`: what estimates the residual.
    - `loss(problem, network, setting, *, key)`: in its place the loss, of a method that has its own.
    - `build(name, problem, network, setting)`: in place of both the whole step.
    - `only`: the problems that it is written for, all where it is empty; `note`: what to know about its
      numbers.
    """

    estimator: Callable[[int], stde.AbstractEstimator] = _OURS
    loss: Callable[..., Float[Array, ""]] | None = None
    build: Callable[[str, Problem, Any, Setting], Any] | None = None
    only: tuple[str, ...] = ()
    note: str = ""

    def objective(
        self, problem: Problem, network: Any, setting: Setting, *, key: PRNGKeyArray
    ) -> Float[Array, ""]:
        """The loss at fresh points."""
        if self.loss is not None:
            return self.loss(problem, network, setting, key=key)
        training, estimator = (
            Training(shared_tangents=setting.shared_tangents),
            self.estimator(setting.num_samples),
        )
        return training_of.loss(problem, network, estimator, training, batch=setting.batch, key=key)


METHODS: Mapping[str, Method] = {
    "sdgd-reverse-scan": Method(_by("sdgd", reverse_over_reverse=True, sequential=True)),
    "sdgd-reverse": Method(_by("sdgd", reverse_over_reverse=True)),
    "sdgd-forward-over-reverse": Method(_by("sdgd")),
    "forward-laplacian": Method(lambda n: Folx(), note="exact"),
    "released": Method(
        build=lambda _, *how: released.step(*how),
        only=("sine-gordon-two-body",),
        note="shared tangents, a network of its own",
    ),
    "stde-jet": Method(lambda n: Contracting(stde_jet, n, stde.Sparse())),
    "stde": Method(),
    "hand-written": Method(loss=hand_written.loss, only=_ON_THE_BALL),
    "sdgd-torch": Method(
        build=sdgd_torch.TorchStep, only=tuple(sdgd_torch.REACTIONS), note="another framework"
    ),
}


def refusal(task: dict[str, Any]) -> str | None:
    """Why a method cannot do a task, in words that follow its name; None if it can."""
    method, problem, setting = _made(task)
    if task["method"] == "sdgd-torch" and (reason := sdgd_torch.refusal()):
        return reason
    if method.only and task["problem"] not in method.only:
        return f"is written for {', '.join(f'`{one}`' for one in method.only)} alone"
    estimator, operators = method.estimator(setting.num_samples), [c.operators for c in problem.conditions]
    reasons = (estimator.refuses(one, problem.num_inputs) for one in operators if one is not None)
    return next(filter(None, reasons), None)


def work(task: dict[str, Any]) -> Any:
    """Fresh points, right-hand side, tangents, loss, gradient, and an update by Adam."""
    method, problem, setting = _made(task)
    network_key, step_key = jax.random.split(jax.random.key(setting.seed))
    network = MLP(task["width"], task["depth"])(problem.num_features, key=network_key)
    if method.build is not None:
        return method.build(task["problem"], problem, network, setting)
    optimiser = optax.adam(setting.learning_rate)
    params, static = eqx.partition(network, eqx.is_inexact_array)

    def step(state: Any, step: Array) -> tuple[Any, Array]:
        params, moments = state
        key = jax.random.fold_in(step_key, step)
        value, gradient = jax.value_and_grad(
            lambda params: method.objective(problem, eqx.combine(params, static), setting, key=key)
        )(params)
        updates, moments = optimiser.update(gradient, moments, params)
        return (optax.apply_updates(params, updates), moments), value

    return Work(step, (params, optimiser.init(params)), advances=True)


def _made(task: dict[str, Any]) -> tuple[Method, Problem, Setting]:
    setting = Setting(**{name: task[name] for name in ("batch", "num_samples", "shared_tangents", "seed")})
    return METHODS[task["method"]], _problem(task["problem"], task["dim"]), setting


@functools.lru_cache(maxsize=1)
def _problem(name: str, dim: int) -> Problem:
    return get_problem(name, dim=dim)


@click.command(epilog=CASES["help"]["step"].format(listed(CASES["step"])))
@click.option("--problem", default="sine-gordon-two-body", help="See `stde list problems`.")
@click.option("--dims", type=COUNTS, default="100,1000", help="Space dimensions.")
@click.option("--methods", type=NAMES, metavar="NAMES", help="Those to compare.  [default: all that can]")
@click.option("--num-samples", type=COUNT, default=16, help="Sampled dimensions per point.")
@click.option("--batch", type=COUNT, default=100, help="Points per step.")
@click.option("--width", type=COUNT, default=128, help="Units of a hidden layer.")
@click.option("--depth", type=COUNT, default=3, help="Hidden layers.")
@click.option("--shared-tangents/--per-point-tangents", default=False, help="[default: per point]")
@timed
def step(problem: str, dims: tuple[int, ...], methods: tuple[str, ...] | None, **settings: Any) -> Question:
    """Measure one training step.

    Fresh points, right-hand side, tangents, loss, gradient and an update by Adam. All methods in JAX get the
    same network, points and tangents, and call the same right-hand side, so that their losses agree; but
    `released` does all by itself, as the script of STDE does.
    """
    if "dim" not in inspect.signature(registry().entry("problems", problem).load()).parameters:
        raise ValueError(f"`{problem}` has no dimension to choose; the benchmark `step` needs one that has.")
    settings = {"problem": problem, **settings}
    chosen = choose("method", methods, METHODS)
    cases = [
        [{"dim": dim, "method": name, "note": METHODS[name].note} | settings for name in chosen]
        for dim in dims
    ]
    tangents = "shared tangents" if settings["shared_tangents"] else "tangents per point"
    title = (
        f"One training step of {problem}: batch {settings['batch']}, "
        f"{settings['num_samples']} samples, {tangents}, "
        f"tanh MLP with {settings['depth']} hidden layers of {settings['width']}"
    )
    return Question(title, settings, cases, METHODS, methods is not None)
