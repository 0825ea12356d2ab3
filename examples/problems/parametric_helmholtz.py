"""One network for a family of problems: the Helmholtz equation for all wave numbers from 2 to 10.

Δu + k² u = 0 on a square for complex u, with the impedance condition ∂u/∂n − iku = g on its boundary, by
which there is one solution for every k. The wave number is an input like x and y, in which nothing is
differentiated. Here g is that of the plane wave exp(ik d·x) with the direction d.
"""

import jax.numpy as jnp
import numpy as np

import stde_core as stde
import stde_pdes as pdes

DIRECTION = np.array([np.cos(0.5), np.sin(0.5)])
square, wave_numbers = pdes.Box(((0, 1), (0, 1))), pdes.Interval(2, 10)
edges = square.boundary()


def wave(point):
    """The real and the imaginary part."""
    angle = point[2] * (DIRECTION @ point[:2])
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)])


def turned(w):
    """iu, in parts."""
    return jnp.stack([-w[1], w[0]])


def impedance(x, w, gradient):
    """Divided by k, so that all members of the family count alike."""
    normal = edges.normal(x[:2])
    return gradient @ normal / x[2] - turned(w) - (normal @ DIRECTION - 1) * turned(wave(x))


laplacian = stde.partial(0) ** 2 + stde.partial(1) ** 2
problem = pdes.Problem(
    conditions=[
        pdes.Condition("equation", square * wave_numbers, laplacian, lambda x, w, lap: lap / x[2] ** 2 + w),
        pdes.Condition("edges", edges * wave_numbers, stde.Gradient((0, 1)), impedance, differentiable=False),
    ],
    inputs=("x", "y", "k"),
    outputs=("re", "im"),
    solution=wave,
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/parametric_helmholtz", resume=True)
    print(f"relative L2 error over the family {run.result['relative_l2']:.1e}")
