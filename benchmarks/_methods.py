"""The methods that make one training step, by name: the rows of the paper's tables, and more."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax.numpy as jnp

import stde_core as stde
from stde_pdes import AbstractProblem, Training
from stde_pdes.families.elliptic import BallProblem
from stde_pdes.training import loss

from ._work import Measurable
from .baselines import hand_written, released, sdgd_torch
from .baselines.contracting import Contracting, stde_jet
from .baselines.laplacians import Folx
from .baselines.sdgd_torch import TorchStep

Objective: TypeAlias = Callable[..., Any]  # (network, *, key) -> loss


@dataclass(frozen=True)
class Method:
    """A way to compute the loss of a step.

    - `objective(problem, training, num_samples)`: the loss as a function `(network, *, key)`.
    - `build(problem, network, training, num_samples, seed)`: in its place the whole step, of a method
      that has its own.
    - `refuses(problem, num_samples)`: why it cannot, if so.
    """

    summary: str
    objective: Callable[[Any, Training, int], Objective] | None
    refuses: Callable[[AbstractProblem, int], str | None]
    note: str = ""
    build: Callable[[Any, Any, Training, int, int], Measurable] | None = None


def _by(summary: str, estimator: Callable[[int], stde.AbstractEstimator], note: str = "") -> Method:
    """The loss that training minimises, with an estimator of `num_samples` samples."""

    def objective(problem: AbstractProblem, training: Training, num_samples: int) -> Objective:
        built = estimator(num_samples)
        return lambda network, *, key: loss(problem, problem.ansatz(network), built, training, key=key)

    def refuses(problem: AbstractProblem, num_samples: int) -> str | None:
        built = estimator(num_samples)
        asked = [condition.operators for condition in problem.conditions if condition.operators is not None]
        reasons = [built.refuses(operators, problem.num_inputs) for operators in asked]
        return next(filter(None, reasons), None)

    return Method(summary, objective, refuses, note)


def _hand_written(problem: BallProblem, training: Training, num_samples: int) -> Objective:
    return lambda network, *, key: hand_written.loss(problem, network, training, num_samples, key=key)


def _unless_ball(problem: AbstractProblem, num_samples: int) -> str | None:
    if not isinstance(problem, BallProblem):
        return "is written for the problems on the unit ball alone"
    return stde.get_estimator("stde", num_samples=num_samples).refuses(stde.Laplacian(), problem.dim)


def _unless_sine_gordon(problem: AbstractProblem, num_samples: int) -> str | None:
    if isinstance(problem, BallProblem) and problem.solution.bodies == 2 and problem.reaction is jnp.sin:
        return _unless_ball(problem, num_samples)
    return "is written for `sine-gordon-two-body` alone"


def _unless_torch(problem: AbstractProblem, num_samples: int) -> str | None:
    if importlib.util.find_spec("torch") is None:
        return 'needs PyTorch: `pip install "stde[torch]"`'
    return sdgd_torch.refuses(problem) or _unless_ball(problem, num_samples)


METHODS: Mapping[str, Method] = {
    "sdgd-reverse-scan": _by(
        "SDGD by reverse over reverse mode, one sampled dimension after the other",
        lambda n: stde.get_estimator("sdgd", num_samples=n, reverse_over_reverse=True, sequential=True),
    ),
    "sdgd-reverse": _by(
        "SDGD by reverse over reverse mode, all sampled dimensions at once",
        lambda n: stde.get_estimator("sdgd", num_samples=n, reverse_over_reverse=True),
    ),
    "sdgd-forward-over-reverse": _by(
        "SDGD by forward over reverse mode",
        lambda n: stde.get_estimator("sdgd", num_samples=n),
    ),
    "forward-laplacian": _by("the Laplacian by folx", lambda n: Folx(), note="exact"),
    "released": Method(
        "STDE as released: the step of its stand-alone script",
        None,
        _unless_sine_gordon,
        "shared tangents, a network of its own",
        released.step,
    ),
    "stde-jet": _by(
        "STDE by vmapped jets within our step, one-hot vectors written out",
        lambda n: Contracting(stde_jet, n, stde.Sparse()),
    ),
    "stde": _by("the estimator `stde`", lambda n: stde.get_estimator("stde", num_samples=n)),
    "hand-written": Method(
        "the same step by hand, without an engine", _hand_written, _unless_ball
    ),
    "sdgd-torch": Method(
        "SDGD in PyTorch: a loop over sampled dimensions", None, _unless_torch, "another framework", TorchStep
    ),
}  # fmt: skip
