"""An inverse problem: how fast does a rod conduct heat, whose temperature was measured here and there?

u_t = κ u_xx with unknown κ, and u = 0 at the ends. How warm the rod was at first is unknown too. There are
1000 measurements, with errors of 1 %.
"""

import jax
import jax.numpy as jnp
import numpy as np

import stde_core as stde
import stde_pdes as pdes

truth = {"kappa": 0.3}
NOISE = 0.01
box = pdes.Box(((0, 1), (0, 1)))


def temperature(point):
    x, t = point
    modes = jnp.pi * jnp.array([1.0, 3.0])
    return jnp.array([1.0, 0.5]) @ (jnp.exp(-truth["kappa"] * modes**2 * t) * jnp.sin(modes * x))


def measured(num_points):
    """Points, and the temperatures that were measured there."""
    random = np.random.default_rng(0)
    points = random.uniform(size=(num_points, 2))
    return points, np.asarray(jax.vmap(temperature)(points)) + NOISE * random.normal(size=num_points)


operators = {"t": stde.partial(1), "xx": stde.partial(0) ** 2}
problem = pdes.Problem(
    conditions=[
        pdes.Condition("equation", box, operators, lambda x, u, d, p: d["t"] - p["kappa"] * d["xx"]),
        pdes.Condition("ends", box.boundary(0), None, lambda x, u, _, p: u, weight=10.0, batch=50),
        pdes.Data("probes", *measured(1000)),
    ],
    inputs=("x", "t"),
    time="t",
    solution=temperature,
    # Each step fits measurements of its own with their noise; in the end smaller ones average over many.
    training=pdes.Training((pdes.Adam(500, batch=200), pdes.GaussNewton(500, batch=300, schedule="linear"))),
    parameters={"kappa": 1.0},
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/inverse_heat", resume=True)
    print(f"κ = {run.parameters['kappa']:.4f}, in truth {truth['kappa']}")
