"""A Helmholtz equation with a source on a square, of which no solution is known.

Δu + 4u = sin 3x₀, and u = x₀ x₁ on the boundary. What tells how well it is solved are the residuals.
"""

import jax.numpy as jnp

import stde_core as stde
import stde_pdes as pdes

square = pdes.Box(((0, 1), (0, 1)))

problem = pdes.Problem(
    conditions=[
        pdes.Condition(
            "equation", square, stde.Laplacian(), lambda x, u, lap: lap + 4 * u - jnp.sin(3 * x[0])
        ),
        pdes.Condition("boundary", square.boundary(), None, lambda x, u, _: u - x[0] * x[1], weight=10.0),
    ],
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/helmholtz", resume=True)
    for name, size in run.result["residuals"].items():
        print(f"{name}: residual {size['rms']:.1e} in the mean, {size['largest']:.1e} at most")
    print(f"u in the middle: {run.model(jnp.asarray([0.5, 0.5])):.4f}")
