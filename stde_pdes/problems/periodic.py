"""Periodic initial value problems in one dimension, judged by a spectral solution."""

import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

import stde_core as stde

from .._checks import check_positive
from ..conditions import Condition
from ..domains import Box
from ..networks import MLP, periodic
from ..optimisers import Adam, GaussNewton
from ..problem import Problem
from ..references import spectral_solution
from ..report.plots import HeatMaps
from ..settings import Training


def kuramoto_sivashinsky(horizon: float = 8.0) -> Problem:
    """Kuramoto-Sivashinsky equation u_t + uu_x + u_xx + u_xxxx = 0 on a ring of length 8π.

    u(x, 0) = cos(x/4)(1 + sin(x/4)), four times shorter a wave than that of Kassam and Trefethen
    (2005). It steepens to a front by t = 3, which stands until others grow beside it, about t = 10;
    from t = 20 on they move and merge, and small errors grow. The reference is a spectral solution.
    Source: Kuramoto (1978), Sivashinsky (1977). Raises `ValueError` for a horizon that is not positive.
    """
    check_positive("horizon", horizon)
    equation = BurgersType(1.0, ((2, 1.0), (4, 1.0)))
    training = Training((Adam(500, 200), GaussNewton(250, 400)))
    return periodic_problem(Start(equation, _two_waves, 8 * math.pi, horizon), training)


def _two_waves(x: Array) -> Array:
    return jnp.cos(x / 4) * (1 + jnp.sin(x / 4))


class BurgersType(eqx.Module):
    """`u_t + advection u u_x + Σ_m c_m ∂_x^m u = 0` with `linear` the pairs (m, c_m)."""

    advection: float
    linear: tuple[tuple[int, float], ...]

    @property
    def operators(self) -> dict[str, stde.AbstractOperator]:
        """u_x, and everything linear as one operator."""
        u_x, u_t = stde.partials(2)
        return {"u_x": u_x, "linear": sum((c * u_x**m for m, c in self.linear), start=u_t)}

    def residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        return values["linear"] + self.advection * u * values["u_x"]

    def symbol(self, wave_numbers: Float[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        """What the linear part in x multiplies Fourier modes by: `u_t = … + symbol(k) u`."""
        return -sum((c * (1j * wave_numbers) ** m for m, c in self.linear), start=0 * wave_numbers)


class Start(eqx.Module):
    """`u(x, 0) = initial(x)` with period `length`, from which an equation goes on up to `horizon`.

    Both the period and the initial value are built into the ansatz `initial(x) + t net`: the network
    sees the cosines and sines of `harmonics` waves in place of x.
    """

    equation: BurgersType
    initial: Callable[[Array], Array]
    length: float
    horizon: float
    harmonics: int = 4

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[0], point[1] / self.horizon
            features = jnp.append(periodic(x, self.length, self.harmonics), 2 * t - 1)
            return self.initial(x) + t * network(features)

        return model

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        positions, times = np.asarray(points, float).T
        return spectral_solution(
            self.equation.symbol,
            self.equation.advection,
            self.initial,
            length=self.length,
            horizon=self.horizon,
            positions=positions,
            times=times,
        )


def periodic_problem(start: Start, training: Training, width: int = 32) -> Problem:
    """`u_t + a u u_x + … = 0` with a period in x, and an initial value."""
    equation, length, horizon = start.equation, start.length, start.horizon
    points = Box(((0.0, length), (0.0, horizon)))
    return Problem(
        [Condition("equation", points, equation.operators, equation.residual)],
        inputs=("x", "t"),
        time="t",
        ansatz=start.ansatz,
        reference=start.reference,
        network=MLP(width, 4, activation="sin"),
        training=training,
        estimator=stde.get_estimator("exact"),
        plot=HeatMaps((1, 0.0, horizon), (0, 0.0, length), (0.0, 0.0), ("t", "x")),
    )
