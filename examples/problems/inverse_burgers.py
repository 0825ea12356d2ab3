"""An inverse problem with two unknowns: the viscosity and the speed in Burgers' equation.

u_t + λ u u_x = ν u_xx with unknown λ and ν; of u there are 10 000 measurements with errors of 1 %. What was
measured is an exact flow of two shocks, the faster of which runs into the slower: by the transformation of
Cole and Hopf λu is a mean of speeds c_k with the weights exp(−c_k(x − a_k)/2ν + c_k² t/4ν).
"""

import jax
import jax.numpy as jnp
import numpy as np

import stde_core as stde
import stde_pdes as pdes

truth = {"advection": 1.5, "viscosity": 0.03}
NOISE = 0.01
box = pdes.Box(((-1, 1), (0, 1)))


def flow(point):
    x, t = point
    nu, speeds, places = truth["viscosity"], jnp.array([1.5, 0.6, 0.0]), jnp.array([-0.55, -0.3, 0.0])
    weights = jax.nn.softmax(-speeds * (x - places) / (2 * nu) + speeds**2 * t / (4 * nu))
    return speeds @ weights / truth["advection"]


def measured(num_points):
    """Points, and the velocities that were measured there."""
    random = np.random.default_rng(0)
    points = random.uniform((-1, 0), (1, 1), size=(num_points, 2))
    return points, np.asarray(jax.vmap(flow)(points)) + NOISE * random.normal(size=num_points)


def equation(x, u, values, p):
    return values["t"] + p["advection"] * u * values["x"] - p["viscosity"] * values["xx"]


operators = {"t": stde.partial(1), "x": stde.partial(0), "xx": stde.partial(0) ** 2}
problem = pdes.Problem(
    conditions=[
        pdes.Condition("equation", box, operators, equation),
        pdes.Data("probes", *measured(10_000)),
    ],
    inputs=("x", "t"),
    time="t",
    solution=flow,
    # Each step fits measurements of its own with their noise; in the end smaller ones average over many.
    training=pdes.Training((pdes.Adam(500, batch=200), pdes.GaussNewton(500, batch=300, schedule="linear"))),
    parameters={"advection": 1.0, "viscosity": 0.1},
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/inverse_burgers", resume=True)
    for name, value in run.parameters.items():
        print(f"{name} {value:.4f}, in truth {truth[name]}")
