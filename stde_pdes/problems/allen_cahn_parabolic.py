"""Allen-Cahn equation backward in time, with a terminal condition that has a kink (STDE, 2024)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._checks import check_positive
from ..conditions import Condition
from ..diffusions import BrownianPaths
from ..networks import MLP
from ..optimisers import Adam
from ..problem import Problem
from ..references import BranchingSolution, branching_solution, mean_at_maximum
from ..settings import Training
from .parts import BACKWARD_HEAT, Semilinear, allen_cahn, line_and_paths, sampled

# At the origin at T = 0.3: by multilevel Picard iteration, and by `benchmarks/allen_cahn_origin.py`.
_AT_THE_ORIGIN = {
    10: "0.89060, ours 0.890527 ± 9.0e-6",
    100: "1.04510, ours 1.0442458 ± 9.3e-7",
    1000: "1.09100, ours 1.0911639 ± 6.5e-7",
    10_000: "1.11402, ours 1.1146542 ± 7.2e-7",
}
# Where branching diffusions keep a small variance, by trial in 1 to 100 dimensions: times shorter than this,
# and a horizon times the variance of u(T) below that.
_LONGEST, _MOST_VARIANCE = 1.0, 0.12


def allen_cahn_parabolic(dim: int = 100, horizon: float = 0.3, whole_flow: bool = False) -> Problem:
    """Allen-Cahn equation u_t + Δu + u − u³ = 0 with the kinked u(T, x) = arctan(max_i x_i).

    Points are `(x, t)`, time last, along the paths √2 W_t. Source: STDE (Shi, Hu, Lin, Kawaguchi,
    NeurIPS 2024). Raises `ValueError` for dim < 1, and for a horizon that is not positive or too long
    for the reference.

    **Formulation.** In the published ansatz, and in any `g(x) + (T − t) net`, Δg is a measure on the
    ridges of max x, which residuals at points never see. Here g is replaced by its heat flow
    `h(t, x) = E g(x + √(2(T−t)) Z)`, which is smooth for t < T, becomes g at t = T, and is a quadrature in
    one dimension: `u = h + (T − t) net(x, t, h)`. It knows the terminal condition alone, and solves
    the equation without its reaction. As h_t + Δh = 0, (∂_t + Δ) F(h, x, t) needs the value and the
    gradient of h alone; its other derivatives are left out of the model, so that random directions
    add no variance for them. So ∂_t + Δ and the gradient are right on this model, but not ∂_t
    alone, nor the derivatives of the residual: `gpinn_weight` needs `whole_flow`, which keeps all
    derivatives of h, and then their variance too.

    **Reference.** A branching Monte-Carlo solution at every point (`branching_solution`). At the
    origin at t = 0 with T = 0.3, its values and standard errors beside the published ones:

    | dimensions | value | standard error | published |
    |---|---|---|---|
    | 10 | 0.890527 | 9.0e-6 | 0.89060 |
    | 100 | 1.0442458 | 9.3e-7 | 1.04510 |
    | 1000 | 1.0911639 | 6.5e-7 | 1.09100 |
    | 10 000 | 1.1146542 | 7.2e-7 | 1.11402 |
    """
    stde.check_count("dim", dim)
    check_positive("horizon", horizon)
    stde.check_flag("whole_flow", whole_flow)
    centre, deviation = _terminal_moments(dim, horizon)
    if horizon > _LONGEST or horizon * deviation**2 > _MOST_VARIANCE:
        raise ValueError(
            f"`horizon` {horizon:g} is too long in {dim} dimension{'s' * (dim > 1)}: the variance of the "
            "reference, a branching Monte-Carlo solution, has no bound there; take 0.3, or less than 1."
        )
    points, residual, flow = BrownianPaths(dim, horizon), Semilinear(allen_cahn), _HeatFlow(horizon)
    return Problem(
        [Condition("equation", points, BACKWARD_HEAT, residual, differentiable=whole_flow)],
        time=-1,
        arrow=-1,
        ansatz=_KinkAnsatz(flow, centre, deviation, whole_flow),
        reference=_BranchingReference(flow),
        origin=np.zeros(dim + 1),
        network=MLP(64, 3),
        training=Training((Adam(3000, 100, 2e-3),), test_points=2000),
        estimator=sampled(dim),
        plot=line_and_paths(dim, horizon),
        notes=_notes(dim, horizon),
    )


def _terminal_moments(dim: int, horizon: float) -> tuple[float, float]:
    """Mean and standard deviation of g at the ends of the paths."""
    start, spread = jnp.zeros(dim), jnp.asarray((2 * horizon) ** 0.5)
    mean = mean_at_maximum(jnp.arctan, start, spread)
    square = mean_at_maximum(lambda m: jnp.arctan(m) ** 2, start, spread)
    return float(mean), float(jnp.sqrt(square - mean**2))


def _notes(dim: int, horizon: float) -> tuple[str, ...]:
    notes = (
        "The network sees the heat flow of the terminal condition beside x and t; the ansatz adds it.",
        "The reference is a Monte-Carlo solution, and no error below its own can be seen: at 2000 points "
        "up to T = 0.3, in the mean square, about 4e-3 of u in 1 dimension, 3e-4 in 10 and 8e-5 in 100; "
        "`problem.reference.branching(points)` gives it at any.",
    )
    if horizon != 0.3 or dim not in _AT_THE_ORIGIN:
        return notes
    return (*notes, f"The published value at the origin, not converged, is {_AT_THE_ORIGIN[dim]}.")


class _HeatFlow(eqx.Module):
    """`h(t, x) = E arctan(max_i (x_i + √(2(T−t)) Z_i))`. Cost: dim · num_nodes."""

    horizon: float

    def __call__(self, point: stde.Point, num_nodes: int = 32) -> Float[Array, ""]:
        x, t = point[:-1], point[-1]
        # At t = T the spread would be 0; this little more changes nothing to rounding.
        least = 1e-3 * jnp.finfo(point.dtype).eps
        spread = jnp.sqrt(2 * jnp.maximum(self.horizon - t, least))
        return mean_at_maximum(jnp.arctan, x, spread, num_nodes=num_nodes)

    def first_order(self, point: stde.Point) -> Float[Array, ""]:
        """h to first order in x, with h_t + Δh = 0."""
        here = jax.lax.stop_gradient(point)
        value, slope = jax.value_and_grad(self)(here)
        return value + slope[:-1] @ (point - here)[:-1]


class _KinkAnsatz(eqx.Module):
    """`h + (T − t) net(x, t, h)`; the network sees h less its mean at T, in standard deviations."""

    flow: _HeatFlow
    centre: float
    deviation: float
    whole_flow: bool

    def __call__(self, network: stde.Model) -> stde.Model:
        horizon, flow = self.flow.horizon, self.flow if self.whole_flow else self.flow.first_order

        def model(point: stde.Point) -> Array:
            x, t, h = point[:-1], point[-1:], flow(point)
            level = (h[None] - self.centre) / self.deviation
            features = jnp.concatenate([x / x.size**0.5, t / horizon, level])
            return h + (horizon - t[0]) * network(features)

        return model


class _BranchingReference(eqx.Module):
    """A branching Monte-Carlo solution. Cost: ten seconds."""

    flow: _HeatFlow

    def __call__(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        return self.branching(points).values

    def branching(self, points: Float[Array, "n inputs"], *, seed: int = 0) -> BranchingSolution:
        """The solution with its standard errors, another for each seed."""
        with jax.enable_x64(True):
            exact = jnp.asarray(np.asarray(points, float))
            piece = max(1, 10_000 // (exact.shape[1] - 1))
            means = jax.lax.map(lambda p: self.flow(p, 64), exact, batch_size=piece)
        x, t = np.asarray(exact[:, :-1]), np.asarray(exact[:, -1])
        to_go = np.maximum(self.flow.horizon - t, 0)  # in float32, the last time may be past the horizon
        return branching_solution(_terminal, np.asarray(means), positions=x, to_go=to_go, seed=seed)


def _terminal(x: np.ndarray) -> np.ndarray:
    return np.arctan(x.max(1).astype(float))
