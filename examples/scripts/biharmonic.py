"""A biharmonic operator in a hundred dimensions, with error bars.

Δ² of a ridge function and of a network have d² terms each, 10 000 here. Gaussian 4-jets estimate them
from n directions; the truth is known in closed form for the first and taken by `exact` for the second.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import stde_core as stde

DIM = 100
COUNTS = (16, 64, 256, 1024, 4096)


def estimates(model, x, key):
    """Value and standard error for each number of directions."""
    found = []
    for count in COUNTS:
        estimator = stde.get_estimator("stde", num_samples=count, sampler=stde.get_sampler("gaussian"))
        out = jax.jit(lambda k, how=estimator: stde.estimate(stde.Biharmonic(), model, x, how, key=k))(key)
        found.append((out.value, out.standard_error))
    return np.array(found)


def main(path):
    keys = jax.random.split(jax.random.key(0), 4)
    x = jax.random.normal(keys[0], (DIM,))
    ridge = jax.random.normal(keys[1], (DIM,)) / DIM**0.5
    network = eqx.nn.MLP(DIM, "scalar", 32, 2, jnp.tanh, key=keys[2])
    exact = jax.jit(lambda x: stde.estimate(stde.Biharmonic(), network, x, stde.get_estimator("exact")).value)
    cases = {
        "sin(a·x)": (lambda x: jnp.sin(ridge @ x), (ridge @ ridge) ** 2 * jnp.sin(ridge @ x)),
        "a network": (network, exact(x)),
    }
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, (name, (model, truth)) in zip(axes, cases.items(), strict=True):
        values, errors = estimates(model, x, keys[3]).T
        axis.errorbar(COUNTS, values, 2 * errors, fmt="o", capsize=3, label="estimate ± 2 standard errors")
        axis.axhline(truth, color="black", linewidth=1, label="exact")
        axis.set(xscale="log", xlabel="random directions", title=f"Δ² of {name}, d = {DIM}")
        axis.legend(frameon=False)
        print(f"{name}: exact {truth:.4g}, {COUNTS[-1]} directions {values[-1]:.4g} ± {errors[-1]:.1g}")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["biharmonic.png"])
