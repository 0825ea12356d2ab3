"""The Brusselator, two substances that react and diffuse, in two space dimensions and time.

u_t = u² v − 2u + Δu/4 and v_t = u − u² v + Δv/4, which u = exp(−x − y − t/2) and v = 1/u solve. Both are
given at first, and their flux through the sides.
"""

import jax.numpy as jnp

import stde_core as stde
import stde_pdes as pdes

box = pdes.Box(((0, 1), (0, 1), (0, 1)))
sides, start = box.boundary((0, 1)), box.boundary(2, -1)


def substances(point):
    x, y, t = point
    u = jnp.exp(-x - y - t / 2)
    return jnp.stack([u, 1 / u])


def equations(x, w, values):
    u, v = w
    reactions = jnp.stack([u**2 * v - 2 * u, u - u**2 * v])
    return values["t"] - reactions - values["laplacian"] / 4


def flux(x, w, gradient):
    """That through the sides, less that of the solution, whose gradient in space is (−u, −u) and (v, v)."""
    u, v = substances(x)
    normal = sides.normal(x)
    return gradient @ normal - jnp.stack([-u, v]) * jnp.sum(normal)


rates = {"t": stde.partial(2), "laplacian": stde.partial(0) ** 2 + stde.partial(1) ** 2}
problem = pdes.Problem(
    conditions=[
        pdes.Condition("equations", box, rates, equations),
        pdes.Condition("start", start, None, lambda x, w, _: w - substances(x), weight=10.0, batch=100),
        pdes.Condition("flux", sides, stde.Gradient(), flux, batch=100, differentiable=False),
    ],
    inputs=("x", "y", "t"),
    outputs=("u", "v"),
    time="t",
    solution=substances,
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/reaction_diffusion", resume=True)
    for name, error in run.result["relative_l2_outputs"].items():
        print(f"relative L2 error of {name}: {error:.1e}")
