"""Points on the paths of diffusions."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_count

from ._checks import check_positive
from .domains import AbstractDomain, standard_normal


class BrownianPaths(AbstractDomain):
    """`(√2 W_t, t)` with t uniform on [0, horizon]: points on Brownian paths from the origin."""

    dim: int = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    bounds = None

    @property
    def num_inputs(self) -> int:
        return self.dim + 1

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        x = jnp.sqrt(2 * t) * standard_normal(num_points, self.dim, key=noise)
        return jnp.concatenate([x, t], axis=1)


class GeometricBrownianPaths(AbstractDomain):
    """`(X_t, t)`, `X_t = x₀ exp(σW_t − σ²t/2)` coordinate by coordinate, t uniform on [0, horizon].

    Points on paths of `dX = σ diag(X) dW` from x₀ = `start`: lognormal, with mean x₀ at all times.
    """

    start: Float[np.ndarray, " dim"]
    volatility: float = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    bounds = None

    @property
    def num_inputs(self) -> int:
        return len(self.start) + 1

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times, noise = jax.random.split(key)
        t = jax.random.uniform(times, (num_points, 1), maxval=self.horizon)
        w = jnp.sqrt(t) * standard_normal(num_points, len(self.start), key=noise)
        growth = jnp.exp(self.volatility * w - self.volatility**2 * t / 2)
        return jnp.concatenate([jnp.asarray(self.start, growth.dtype) * growth, t], axis=1)


Coefficient = Callable[[Float[Array, ""], Float[Array, " dim"]], Array]


class Diffusion(AbstractDomain):
    """`(X_t, t)` with `dX = μ(t, X) dt + σ(t, X) dW` from a given start, t uniform on [0, horizon].

    - `start`: X_0, `[dim]`.
    - `drift`: μ, `(t, x) -> [dim]`.
    - `volatility`: σ, `(t, x) ->` a scalar or `[dim]` for independent noise in each coordinate, or a
      matrix `[dim, r]` for r noises.
    - `num_steps`: Euler-Maruyama steps of every path, each `t / num_steps` long (diffrax).

    The mean of a smooth function of X_t is wrong by O(t / num_steps), and exact for constant
    coefficients. Where the law has a closed form, as in `BrownianPaths`, that is much cheaper.

    Raises `ValueError` for a horizon that is not positive or less than one step.
    """

    start: Float[Array, " dim"]
    drift: Coefficient
    volatility: Coefficient
    horizon: float = eqx.field(static=True)
    num_steps: int = eqx.field(static=True, default=32)
    bounds = None

    def __check_init__(self):
        check_positive("horizon", self.horizon)
        check_count("num_steps", self.num_steps)

    @property
    def num_inputs(self) -> int:
        return self.start.size + 1

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times_key, noise_key = jax.random.split(key)
        times = jax.random.uniform(times_key, (num_points,), self.start.dtype, maxval=self.horizon)
        places = jax.vmap(self._end)(times, jax.random.split(noise_key, num_points))
        return jnp.concatenate([places, times[:, None]], axis=1)

    def _end(self, time: Float[Array, ""], key: PRNGKeyArray) -> Float[Array, " dim"]:
        """X at one time. The clock counts steps, so that their number does not depend on the time."""
        import diffrax  # takes a second with lineax, and few need it
        import lineax

        step = time / self.num_steps
        noise = jax.eval_shape(self.volatility, time, self.start)
        columns = noise.shape[1] if noise.ndim == 2 else self.start.size

        def drift(clock, x, args):
            return step * self.drift(step * clock, x)

        def volatility(clock, x, args):
            scale = jnp.sqrt(step) * self.volatility(step * clock, x)
            if scale.ndim == 2:
                return lineax.MatrixLinearOperator(scale)
            return lineax.DiagonalLinearOperator(jnp.broadcast_to(scale, x.shape))

        shape = jax.ShapeDtypeStruct((columns,), self.start.dtype)
        brownian = diffrax.UnsafeBrownianPath(shape, key)
        solution = diffrax.diffeqsolve(
            diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(volatility, brownian)),
            diffrax.Euler(),
            t0=0,
            t1=self.num_steps,
            dt0=1,
            y0=self.start,
            max_steps=self.num_steps,
            adjoint=diffrax.ForwardMode(),
        )
        assert solution.ys is not None
        return solution.ys[0]
