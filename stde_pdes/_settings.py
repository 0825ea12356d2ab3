from dataclasses import dataclass
from typing import Literal, get_args

import optax

from stde_core import check_choice, check_count


@dataclass(frozen=True)
class Training:
    """How a network is trained: Adam on the mean squared residual at fresh points every step.

    - `steps`: optimiser steps; `batch`: collocation points per condition and step.
    - `learning_rate`, `schedule`: the first rate, and how it falls to (almost) 0 over the steps.
    - `shared_tangents`: one draw of tangents for all points of a step, rather than one per point.
    - `unbiased`: the product of two independent residuals in place of the square, whose mean is
      too large by the estimator's variance.
    - `test_points`: how many points errors are measured at; training never sees them.
    """

    steps: int = 5000
    batch: int = 100
    learning_rate: float = 1e-3
    schedule: Literal["linear", "cosine", "exponential", "constant"] = "linear"
    shared_tangents: bool = False
    unbiased: bool = False
    test_points: int = 20_000

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("batch", self.batch)
        check_count("test_points", self.test_points)
        check_choice("schedule", self.schedule, get_args(Training.__annotations__["schedule"]))
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"`learning_rate` needs to be a positive number, got {self.learning_rate!r}.")

    def optimiser(self) -> optax.GradientTransformation:
        """Adam with the schedule."""
        rate, steps = self.learning_rate, self.steps
        schedules = {
            "linear": lambda: optax.linear_schedule(rate, 0.0, steps),
            "cosine": lambda: optax.cosine_decay_schedule(rate, steps),
            "exponential": lambda: optax.exponential_decay(rate, steps, 1e-2),
            "constant": lambda: optax.constant_schedule(rate),
        }
        return optax.adam(schedules[self.schedule]())
