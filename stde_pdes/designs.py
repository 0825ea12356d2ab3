"""Points that fill a box more evenly than independent ones."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import check_count

from .domains import AbstractInBox, Bounds, bounds_of, in_box


class Sobol(AbstractInBox):
    """Sobol's points in a box, moved at random as a whole: they fill it more evenly than independent ones.

    The key draws which bits of the numbers are flipped, the same of all points (a digital shift:
    L'Ecuyer and Lemieux, 2002). So each point is uniform, and means over the points have no bias. Numbers of
    points that are powers of 2 are the most even. The points before the shift are constants of the
    compiled program: n·inputs integers. Raises `ValueError` for more inputs than SciPy's table has.
    """

    bounds: Bounds = eqx.field(static=True, converter=lambda box: bounds_of("Sobol(box)", box))

    def __check_init__(self):
        if self.num_inputs > _SOBOL_INPUTS:
            raise ValueError(
                f"`Sobol(box)` has points of at most {_SOBOL_INPUTS} inputs, got {self.num_inputs}; take "
                "`LatinHypercube(box)`."
            )

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        check_count("Sobol(…)(num_points)", num_points)  # at most 2³¹, of the 2³² that there are
        shift = jax.random.bits(key, (self.num_inputs,), jnp.uint32)
        moved = jnp.asarray(_sobol(num_points, self.num_inputs)) ^ shift
        dtype = jnp.result_type(float)
        # So few that half a unit of the last one, which makes the mean ½, is not rounded away.
        bits = min(32, jnp.finfo(dtype).nmant)
        return in_box(((moved >> (32 - bits)).astype(dtype) + 0.5) / 2.0**bits, self.bounds)


_SOBOL_INPUTS = 21201


def _sobol(num_points: int, num_inputs: int) -> np.ndarray:
    """Sobol's first points, `[n, inputs]`, in units of 2⁻³²."""
    from scipy.stats import qmc  # takes more than a second

    sequence = qmc.Sobol(num_inputs, scramble=False, bits=32)
    points = sequence.random_base2(max(0, num_points - 1).bit_length())[:num_points]
    return (points * 2.0**32).astype(np.uint32)


class LatinHypercube(AbstractInBox):
    """n points in a box, of which each input has one in each of n equal parts of its interval.

    Each point is uniform. Source: McKay, Beckman and Conover (1979). Cost: n numbers sorted per input.
    """

    bounds: Bounds = eqx.field(static=True, converter=lambda box: bounds_of("LatinHypercube(box)", box))

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        within, order = jax.random.split(key)
        unit = jax.random.uniform(within, (num_points, self.num_inputs))
        parts = jnp.broadcast_to(jnp.arange(num_points)[:, None], unit.shape)
        parts = jax.random.permutation(order, parts, independent=True)
        return in_box((parts + unit) / num_points, self.bounds)
