"""An inverse problem: which diffusion coefficient explains what is measured?

`∇·(a∇u) = f` holds on the unit square, u is measured at 400 points with noise, f is known, and a on the
boundary, where it is 1. Inside, a is sought: a coefficient function of the operator, and a network that is
trained beside u's, since arrays and modules in operators get gradients like any others.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import stde_core as stde

STEPS = 2500


def true_coefficient(x):
    return 1 + 0.5 * jnp.sin(np.pi * x[0]) * jnp.sin(np.pi * x[1])


def true_solution(x):
    return jnp.sin(2 * x[0] + 1) * jnp.cos(3 * x[1]) + x[0]


def diffused(a, u, x):
    """`∇·(a∇u) = aΔu + ∇a·∇u`."""
    operator = a * stde.Laplacian() + stde.Directional(jax.grad(a))
    return stde.estimate(operator, u, x, stde.get_estimator("exact"), standard_error=False).value


def coefficient(network):
    return lambda x: jnp.exp(16 * jnp.prod(x * (1 - x)) * network(x))


def loss(networks, places, measured, points, source):
    u, network = networks
    residuals = jax.vmap(lambda x: diffused(coefficient(network), u, x))(points) - source
    return 100 * jnp.mean((jax.vmap(u)(places) - measured) ** 2) + jnp.mean(residuals**2) / 10


def main(path):
    keys = jax.random.split(jax.random.key(0), 5)
    places, points = (jax.random.uniform(key, (400, 2)) for key in keys[:2])
    measured = jax.vmap(true_solution)(places) + 1e-3 * jax.random.normal(keys[2], (400,))
    source = jax.vmap(lambda x: diffused(true_coefficient, true_solution, x))(points)
    networks = [eqx.nn.MLP(2, "scalar", 32, 2, jnp.tanh, key=key) for key in keys[3:]]
    optimiser = optax.adam(optax.cosine_decay_schedule(5e-3, STEPS))

    arrays, static = eqx.partition(networks, eqx.is_array)

    def step(state, _):
        arrays, moments = state
        gradient = jax.grad(lambda a: loss(eqx.combine(a, static), places, measured, points, source))
        updates, moments = optimiser.update(gradient(arrays), moments)
        return (eqx.apply_updates(arrays, updates), moments), None

    (arrays, _), _ = jax.jit(lambda s: jax.lax.scan(step, s, None, STEPS))((arrays, optimiser.init(arrays)))
    _, network = eqx.combine(arrays, static)
    grid = jnp.stack(jnp.meshgrid(*2 * [jnp.linspace(0, 1, 60)]), -1).reshape(-1, 2)
    truth, found = jax.vmap(true_coefficient)(grid), jax.vmap(coefficient(network))(grid)
    error = float(jnp.linalg.norm(found - truth) / jnp.linalg.norm(truth))
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    panels = {"true a(x)": truth, f"recovered, error {error:.1e}": found, "difference": found - truth}
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        image = axis.imshow(values.reshape(60, 60), origin="lower", extent=(0, 1, 0, 1))
        axis.set_title(title)
        figure.colorbar(image, ax=axis)
    figure.savefig(path, dpi=100)
    print(f"relative error of a: {error:.2e}")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["inverse_problem.png"])
