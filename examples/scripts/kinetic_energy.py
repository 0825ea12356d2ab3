"""Variational Monte Carlo: the local energy of a trial wave function, with a stochastic Laplacian.

Ten particles in a harmonic trap that repel each other (d = 30), `H = −½Δ + ½|x|² + Σ 1/|x_i − x_j|`, and
the trial function `ψ = exp(−α|x|²/2 + Σ |r|/(2(1 + |r|)))`. The kinetic part of the local energy is
`−½(Δ log ψ + |∇ log ψ|²)`: the Laplacian from random directions, the gradient exactly in the same call.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import stde_core as stde

PARTICLES, DIM = 10, 30
PAIRS = np.triu_indices(PARTICLES, 1)
OPERATORS = {"Δ": stde.Laplacian(), "∇": stde.Gradient()}


def distances(x):
    places = x.reshape(PARTICLES, 3)
    return jnp.linalg.norm(places[PAIRS[0]] - places[PAIRS[1]], axis=-1)


def log_psi(x, alpha):
    r = distances(x)
    return -alpha * (x @ x) / 2 + jnp.sum(r / (2 * (1 + r)))


def local_energy(x, alpha, estimator, key):
    values = stde.estimate(OPERATORS, lambda x: log_psi(x, alpha), x, estimator, key=key).value
    potential = x @ x / 2 + jnp.sum(1 / distances(x))
    return potential - (values["Δ"] + values["∇"] @ values["∇"]) / 2


def walk(alpha, key, walkers=1000, steps=300):
    """Places drawn from |ψ|² by Metropolis steps."""
    density = jax.vmap(lambda x: 2 * log_psi(x, alpha))

    def step(x, key):
        propose, accept = jax.random.split(key)
        y = x + 0.25 * jax.random.normal(propose, x.shape)
        taken = jnp.log(jax.random.uniform(accept, (walkers,))) < density(y) - density(x)
        return jnp.where(taken[:, None], y, x), None

    return jax.lax.scan(step, jax.random.normal(key, (walkers, DIM)), jax.random.split(key, steps))[0]


@jax.jit
def energies(alpha, key):
    """Means and standard errors of the energy, by the exact Laplacian and by four random directions."""
    x = walk(alpha, key)
    keys, found = jax.random.split(key, len(x)), []
    for estimator in (stde.get_estimator("exact"), stde.get_estimator("hutchinson", num_samples=4)):
        values = jax.vmap(lambda x, k, how=estimator: local_energy(x, alpha, how, k))(x, keys)
        found.append((values.mean(), values.std() / len(x) ** 0.5))
    return jnp.array(found)


def main(path):
    alphas = jnp.linspace(0.3, 1.1, 9)
    results = np.array([energies(alpha, jax.random.key(0)) for alpha in alphas])
    axis = (figure := Figure(figsize=(6, 4), layout="constrained")).subplots()
    for column, name in enumerate(["exact Laplacian", "4 random directions in 30 dimensions"]):
        means, errors = results[:, column].T
        axis.errorbar(
            alphas + 0.01 * column, means, 2 * errors, fmt="o-", markersize=4, capsize=3, label=name
        )
    axis.set(xlabel="α", ylabel="energy", title=f"{PARTICLES} repelling particles in a trap")
    axis.legend(frameon=False)
    figure.savefig(path, dpi=100)
    (exact, error), (sampled, wider) = results[results[:, 0, 0].argmin()]
    print(f"energy {exact:.3f} ± {error:.3f}, sampled {sampled:.3f} ± {wider:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["kinetic_energy.png"])
