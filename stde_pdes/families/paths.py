"""Random paths through space and time, to look at a solution along them."""

import numpy as np
from jaxtyping import Float

_PATHS, _STEPS = 5, 120


def brownian_paths(dim: int, horizon: float) -> Float[np.ndarray, "paths times inputs"]:
    """Five paths `(√2 W_t, t)` from the origin, always the same."""
    times = np.linspace(0, horizon, _STEPS + 1)
    steps = np.random.default_rng(0).normal(size=(_PATHS, _STEPS, dim)) * (2 * times[1]) ** 0.5
    positions = np.concatenate([np.zeros((_PATHS, 1, dim)), np.cumsum(steps, axis=1)], axis=1)
    clock = np.broadcast_to(times[:, None], (_PATHS, _STEPS + 1, 1))
    return np.concatenate([positions, clock], axis=2)


def geometric_brownian_paths(
    start: Float[np.ndarray, " dim"], volatility: float, horizon: float
) -> Float[np.ndarray, "paths times inputs"]:
    """Five paths `(x₀ exp(σW_t − σ²t/2), t)`, always the same."""
    paths = brownian_paths(len(start), horizon)
    noise, clock = paths[:, :, :-1] / 2**0.5, paths[:, :, -1:]
    return np.concatenate([start * np.exp(volatility * noise - volatility**2 * clock / 2), clock], axis=2)
