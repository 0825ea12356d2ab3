"""Points on the paths of diffusions."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_count

from ._checks import check_positive
from .domains import AbstractDomain

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

    def __check_init__(self):
        check_positive("horizon", self.horizon)
        check_count("num_steps", self.num_steps)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        times_key, noise_key = jax.random.split(key)
        times = jax.random.uniform(times_key, (num_points,), self.start.dtype, maxval=self.horizon)
        places = jax.vmap(self._end)(times, jax.random.split(noise_key, num_points))
        return jnp.concatenate([places, times[:, None]], axis=1)

    def _end(self, time: Float[Array, ""], key: PRNGKeyArray) -> Float[Array, " dim"]:
        """X at one time. The clock counts steps, so that their number does not depend on the time."""
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
