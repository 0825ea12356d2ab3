"""Radial solutions of `u_t + Δu + f(u) = 0`, `u(T, x) = g(|x|²)`, at any dimension and any (t, x)."""

import functools
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def radial_solution(
    nonlinearity: Callable[[Array], Array],
    terminal: Callable[[Array], Array],
    *,
    dim: int,
    horizon: float,
    times: Float[np.ndarray, " n"],
    squared_radii: Float[np.ndarray, " n"],
    width: float = 5.0,
    num_nodes: int = 128,
) -> Float[np.ndarray, " n"]:
    """The values u(t, |x|²) at n pairs of time and squared radius, in float64.

    In `s = |x|²` the equation is `v_t + 4 s v_ss + 2 d v_s + f(v) = 0` on `[0, ∞)`, and in
    `η = L / (L + s)` it lives on `[0, 1]` with coefficients that vanish where a boundary condition
    would be needed. Chebyshev collocation in η and in time, an implicit Runge-Kutta method by
    diffrax (Kvaerno 5, tolerance 1e-12) in between.

    `width` is the squared radius at which the terminal condition begins to fall off. The solution
    spreads it to `width + 2 d T`; L between the two resolves both.

    Cost: seconds, and once for all points. Refining `num_nodes` changes nothing above 1e-9 for
    d up to 10⁵ and g a rational function of s.
    """
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        length = (width * (width + 2 * dim * horizon)) ** 0.5
        history = _history(nonlinearity, terminal, dim, horizon, length, num_nodes)
    in_space = _barycentric(_chebyshev(num_nodes)[0], length / (length + np.asarray(squared_radii, float)))
    in_time = _barycentric(_CLOCK, 1 - np.asarray(times, float) / horizon)
    return np.einsum("nt,tk,nk->n", in_time, history, in_space, optimize=True)


# Times to go, over the horizon, at which the solution is kept.
_CLOCK = 0.5 * (1 - np.cos(np.pi * np.arange(65) / 64))


@functools.lru_cache(maxsize=4)
def _history(
    nonlinearity: Callable[[Array], Array],
    terminal: Callable[[Array], Array],
    dim: int,
    horizon: float,
    length: float,
    num_nodes: int,
) -> Float[np.ndarray, "times nodes"]:
    """The solution at the nodes at all times of the clock; test points and pictures ask for the same."""
    nodes, derivative = _chebyshev(num_nodes)
    generator = _generator(nodes, derivative, dim, length)
    start = terminal(_squared_radius(jnp.asarray(nodes), length)).at[0].set(terminal(jnp.asarray(jnp.inf)))
    return np.asarray(_solve(generator, nonlinearity, start, horizon * _CLOCK))


def _squared_radius(nodes: Array, length: float) -> Array:
    return length * (1 - nodes) / jnp.where(nodes > 0, nodes, 1)


def _chebyshev(num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev points of [0, 1] and the matrix of the derivative (Trefethen, Spectral Methods, p. 54)."""
    k = np.arange(num_nodes)
    nodes = 0.5 * (1 - np.cos(np.pi * k / (num_nodes - 1)))
    weights = _barycentric_weights(num_nodes)
    # The difference of two cosines by sines, without cancellation.
    angles = np.pi * k / (2 * (num_nodes - 1))
    gaps = np.sin(angles[:, None] + angles) * np.sin(angles[:, None] - angles)
    np.fill_diagonal(gaps, 1.0)
    matrix = weights / weights[:, None] / gaps
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(1))
    return nodes, matrix


def _barycentric_weights(num_nodes: int) -> np.ndarray:
    weights = (-1.0) ** np.arange(num_nodes)
    weights[[0, -1]] /= 2
    return weights


def _barycentric(nodes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The rows that interpolate values at Chebyshev nodes to points, `[n, num_nodes]`."""
    gaps = points[:, None] - nodes
    hits = gaps == 0
    rows = _barycentric_weights(len(nodes)) / np.where(hits, 1, gaps)
    rows = np.where(hits.any(1, keepdims=True), hits, rows)
    return rows / rows.sum(1, keepdims=True)


def _generator(nodes: np.ndarray, derivative: np.ndarray, dim: int, length: float) -> np.ndarray:
    """`4 s ∂_s² + 2 d ∂_s` in η: `(4 η³ (1−η) ∂_η² + (8 η² (1−η) − 2 d η²) ∂_η) / L`."""
    second = 4 * nodes**3 * (1 - nodes)
    first = 8 * nodes**2 * (1 - nodes) - 2 * dim * nodes**2
    return (second[:, None] * (derivative @ derivative) + first[:, None] * derivative) / length


def _solve(
    generator: np.ndarray, nonlinearity: Callable[[Array], Array], initial: Array, clock: np.ndarray
) -> Array:
    """The nodes' values at each time to go, `[len(clock), num_nodes]`."""
    matrix = jnp.asarray(generator)

    def slope(time: Any, value: Any, args: Any) -> Array:
        del time, args
        return matrix @ value + nonlinearity(value)

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),
        diffrax.Kvaerno5(),
        t0=0.0,
        t1=clock[-1],
        dt0=1e-4 * clock[-1],
        y0=initial,
        saveat=diffrax.SaveAt(ts=jnp.asarray(clock)),
        stepsize_controller=diffrax.ClipStepSizeController(
            diffrax.PIDController(rtol=1e-10, atol=1e-12), step_ts=jnp.asarray(clock[1:-1])
        ),
        max_steps=100_000,
    )
    assert solution.ys is not None
    return solution.ys
