from typing import Literal

import optax

Schedule = Literal["linear", "cosine", "exponential", "constant"]


def scheduled(schedule: Schedule, rate: float, steps: int) -> optax.Schedule:
    """A rate that falls to (almost) 0 over the steps, or stays as it is."""
    schedules = {
        "linear": lambda: optax.linear_schedule(rate, 0.0, steps),
        "cosine": lambda: optax.cosine_decay_schedule(rate, steps),
        "exponential": lambda: optax.exponential_decay(rate, steps, 1e-2),
        "constant": lambda: optax.constant_schedule(rate),
    }
    return schedules[schedule]()
