"""Score matching: the gradient of a log density, learnt from samples alone.

Hyvärinen's loss `E[∇·s(x) + ½|s(x)|²]` needs the divergence of the score network s, which Hutchinson's
estimate `v·(Ds v)` gives at the price of one forward pass (sliced score matching; Song et al., 2019).
The density is a ring of eight Gaussians in the plane.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import stde_core as stde

ANGLES = np.arange(8) * np.pi / 4
CENTRES = 2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
WIDTH = 0.5
ESTIMATOR = stde.get_estimator("stde", num_samples=1, sampler=stde.get_sampler("rademacher"))


def samples(key, count):
    which, noise = jax.random.split(key)
    centres = jnp.asarray(CENTRES)[jax.random.randint(which, (count,), 0, 8)]
    return centres + WIDTH * jax.random.normal(noise, (count, 2))


def true_score(x):
    return jax.grad(lambda x: jax.nn.logsumexp(-jnp.sum((x - CENTRES) ** 2, 1) / (2 * WIDTH**2)))(x)


def loss(score, x, keys):
    def one(x, key):
        out = stde.estimate(stde.Divergence(), score, x, ESTIMATOR, key=key, standard_error=False)
        return out.value + out.primal @ out.primal / 2

    return jnp.mean(jax.vmap(one)(x, keys))


def train(score, key, steps=3000, batch=512):
    optimiser = optax.adam(optax.cosine_decay_schedule(3e-3, steps))
    arrays, static = eqx.partition(score, eqx.is_array)

    def step(state, key):
        arrays, moments = state
        places, tangents = jax.random.split(key)
        keys = jax.random.split(tangents, batch)
        gradient = jax.grad(lambda a: loss(eqx.combine(a, static), samples(places, batch), keys))(arrays)
        updates, moments = optimiser.update(gradient, moments)
        return (eqx.apply_updates(arrays, updates), moments), None

    start = (arrays, optimiser.init(arrays))
    (arrays, _), _ = jax.jit(lambda s, keys: jax.lax.scan(step, s, keys))(start, jax.random.split(key, steps))
    return eqx.combine(arrays, static)


def main(path):
    score = train(eqx.nn.MLP(2, 2, 64, 2, jax.nn.silu, key=jax.random.key(0)), jax.random.key(1))
    x = samples(jax.random.key(2), 2000)
    truth, learnt = jax.vmap(true_score)(x), jax.vmap(score)(x)
    error = float(jnp.linalg.norm(learnt - truth) / jnp.linalg.norm(truth))
    grid = jnp.stack(jnp.meshgrid(*2 * [jnp.linspace(-3.2, 3.2, 20)]), -1).reshape(-1, 2)
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, field, title in zip(axes, (true_score, score), ("true score", "learnt"), strict=True):
        axis.scatter(*x.T, s=2, color="0.8")
        axis.quiver(*grid.T, *jax.vmap(field)(grid).T, color="C0", width=0.003)
        axis.set(title=title if axis is axes[0] else f"{title}, relative error {error:.2f}", aspect="equal")
    figure.savefig(path, dpi=100)
    print(f"relative error of the score at samples: {error:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["score_matching.png"])
