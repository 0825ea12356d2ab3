"""The steady Navier-Stokes equations behind a grid: Kovasznay's flow at Reynolds number 40.

u·∇u + ∇p = Δu/Re and ∇·u = 0 for the velocity (u, v) and the pressure p. The velocity is given on the
boundary; the pressure, which the equations know up to a constant, at one point.
Source: Kovasznay, "Laminar flow behind a two-dimensional grid" (1948).
"""

import jax.numpy as jnp
import numpy as np

import stde_core as stde
import stde_pdes as pdes

REYNOLDS = 40.0
DECAY = REYNOLDS / 2 - np.sqrt(REYNOLDS**2 / 4 + 4 * np.pi**2)
box = pdes.Box(((-0.5, 1.0), (-0.5, 1.5)))


def flow(point):
    x, y = point
    fade, angle = jnp.exp(DECAY * x), 2 * np.pi * y
    u, v = 1 - fade * jnp.cos(angle), DECAY / (2 * np.pi) * fade * jnp.sin(angle)
    return jnp.stack([u, v, (1 - fade**2) / 2])


def equations(x, flow, values):
    """Momentum in both directions, and continuity."""
    velocity, slopes, viscous = flow[:2], values["gradient"], values["laplacian"][:2] / REYNOLDS
    momentum = slopes[:2] @ velocity + slopes[2] - viscous
    return jnp.stack([*momentum, slopes[0, 0] + slopes[1, 1]])


problem = pdes.Problem(
    conditions=[
        pdes.Condition("flow", box, {"gradient": stde.Gradient(), "laplacian": stde.Laplacian()}, equations),
        pdes.Condition(
            "velocity", box.boundary(), None, lambda x, w, _: (w - flow(x))[:2], weight=10.0, batch=100
        ),
        pdes.Data("pressure", [[1.0, 0.5]], [flow(np.array([1.0, 0.5]))[2]], observe=lambda x, w, _: w[2]),
    ],
    inputs=("x", "y"),
    outputs=("u", "v", "p"),
    solution=flow,
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/kovasznay", resume=True)
    for name, error in run.result["relative_l2_outputs"].items():
        print(f"relative L2 error of {name}: {error:.1e}")
