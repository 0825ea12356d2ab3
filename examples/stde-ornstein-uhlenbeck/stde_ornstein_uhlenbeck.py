"""A plugin for stde: the Fokker-Planck equation of an anisotropic Ornstein-Uhlenbeck process."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde
import stde_pdes as pdes


def ornstein_uhlenbeck(dim: int = 10, horizon: float = 0.5, noise_seed: int = 0) -> pdes.Problem:
    """Fokker-Planck equation q_t = ½tr(D∇²q) + ½∇q·D∇q + x·∇q + d of the log density q of a diffusion.

    The process is dX = −X dt + σ dW from X_0 ~ N(0, I), with a full matrix D = σσᵀ whose axes are
    random and whose eigenvalues run from 1/2 to 8 in geometric steps. X_t ~ N(0, Σ(t)) with
    Σ(t) = e^{−2t} I + (1 − e^{−2t}) D/2 is the exact solution. The logarithm is of order d where the
    density itself underflows. Source: Hu, Zhang, Karniadakis and Kawaguchi (2024), "Score-Based
    Physics-Informed Neural Networks for High-Dimensional Fokker-Planck Equations".

    Points are `(x, t)`, time last, with x drawn from the law of X_t. The initial condition is built
    into the ansatz `log N(x; 0, I) + d (1 − e^{−2t}) net`; the network sees x, t and |x|²/d.

    Raises `ValueError` for dim < 1, a horizon that is not positive, or a seed that is no integer ≥ 0.
    """
    stde.check_count("dim", dim)
    stde.check_count("noise_seed", noise_seed, least=0)
    if not 0 < horizon < float("inf"):
        raise ValueError(f"`horizon` needs to be a positive number, got {horizon!r}.")
    normal = np.random.default_rng(noise_seed).normal(size=(dim, dim))
    law = GaussianLaw(np.linalg.qr(normal)[0], np.geomspace(0.5, 8.0, dim))
    equation, space = LogDensity(law, horizon), slice(0, -1)
    drift, diffusion = stde.Directional(_position), 0.5 * stde.WeightedLaplacian(law.sigma, axes=space)
    operators = {"q_t − Lq": stde.partial(-1) - diffusion - drift, "∇q": stde.Gradient(axes=space)}
    return pdes.Problem(
        [pdes.Condition("equation", AlongTheProcess(law, horizon), operators, equation.residual)],
        time=-1,
        ansatz=equation.ansatz,
        solution=equation.solution,
        reference=equation.reference,
        network=pdes.MLP(width=64, depth=2, activation="silu"),
        training=pdes.Training((pdes.Adam(2000, batch=200, learning_rate=5e-3),)),
        estimator=stde.get_estimator("stde", num_samples=8, sampler=stde.Rademacher()),
        notes=("Errors are of the log density; those of its gradient, the score, are not measured.",),
    )


def _position(x: stde.Point) -> Array:
    return x.at[-1].set(0.0)


class GaussianLaw(eqx.Module):
    """N(0, Σ(t)) with `Σ(t) = e^{−2t} I + (1 − e^{−2t}) D/2`, of D's axes (columns) and eigenvalues."""

    axes: Float[Array | np.ndarray, "dim dim"]
    eigenvalues: Float[Array | np.ndarray, " dim"]

    @property
    def sigma(self) -> Float[Array | np.ndarray, "dim dim"]:
        return self.axes * self.eigenvalues**0.5

    def variances(self, t: Float[Array, "..."]) -> Float[Array, "... dim"]:
        decay = jnp.exp(-2 * jnp.asarray(t))[..., None]
        return decay + (1 - decay) * jnp.asarray(self.eigenvalues / 2, decay.dtype)

    def log_density(self, x: Float[Array, " dim"], t: Float[Array, ""]) -> Float[Array, ""]:
        along = x @ jnp.asarray(self.axes, x.dtype)
        variances = self.variances(t)
        return -jnp.sum(along**2 / variances + jnp.log(2 * jnp.pi * variances)) / 2


class LogDensity(eqx.Module):
    """`q_t = ½tr(D∇²q) + ½∇q·D∇q + x·∇q + d` on [0, horizon] × R^dim, with `q(x, 0) = log N(x; 0, I)`."""

    law: GaussianLaw
    horizon: float

    def residual(self, x: stde.Point, u: Array, values: dict[str, Array]) -> Array:
        score = jnp.asarray(self.law.sigma.T, x.dtype) @ values["∇q"]
        return values["q_t − Lq"] - score @ score / 2 - (x.size - 1)

    def ansatz(self, network: stde.Model) -> stde.Model:
        def model(point: stde.Point) -> Array:
            x, t = point[:-1], point[-1]
            squared_radius = x @ x
            features = jnp.concatenate([x, jnp.stack([t / self.horizon, squared_radius / x.size])])
            initial = -(squared_radius + x.size * jnp.log(2 * jnp.pi)) / 2
            return initial - x.size * jnp.expm1(-2 * t) * network(features)

        return model

    def solution(self, x: stde.Point) -> Array:
        return self.law.log_density(x[:-1], x[-1])

    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        x, decay = np.asarray(points, float)[:, :-1], np.exp(-2 * np.asarray(points, float)[:, -1:])
        variances = decay + (1 - decay) * self.law.eigenvalues / 2
        return -((x @ self.law.axes) ** 2 / variances + np.log(2 * np.pi * variances)).sum(1) / 2


class AlongTheProcess(pdes.AbstractDomain):
    """`(X_t, t)` with t uniform on [0, horizon]."""

    law: GaussianLaw
    horizon: float = eqx.field(static=True)
    bounds = None

    @property
    def num_inputs(self) -> int:
        return len(self.law.axes) + 1

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points,), maxval=self.horizon)
        along = jnp.sqrt(self.law.variances(t)) * jax.random.normal(noise, (num_points, len(self.law.axes)))
        x = along @ jnp.asarray(self.law.axes.T, along.dtype)
        return jnp.concatenate([x, t[:, None]], axis=1)


@stde.hookimpl(optionalhook=True)
def stde_problems():
    return {"ornstein-uhlenbeck": ornstein_uhlenbeck}
