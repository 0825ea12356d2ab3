"""Estimates on four virtual devices beside those on one; prints the largest differences as JSON.

A script, since the number of devices is fixed once JAX has started.
"""

import json
import os
from functools import partial

if __name__ == "__main__":
    devices = "--xla_force_host_platform_device_count=4"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {devices}"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from stde_estimators.exact import Exact
from stde_estimators.hutchinson import Hutchinson
from stde_estimators.sdgd import SDGD
from stde_estimators.stde import STDE

import stde_core as stde

jax.config.update("jax_enable_x64", True)
DIM, BATCH = 5, 8
LAPLACIAN, SPLIT, ALL = stde.Laplacian(), PartitionSpec("points"), PartitionSpec()


def network(params, x):
    first, second = params
    return second @ jnp.tanh(first @ x)


def looped(params, x):
    """With a loop whose carry starts as a constant, a branch, and a derivative rule of its own."""
    start = jnp.ones_like(x[0])
    total = jax.lax.fori_loop(0, 2, lambda i, c: c * jnp.sin(x[i]) + x[i + 1], start)
    return jax.lax.cond(x[0] > 0, jnp.sin, lambda z: 2 * z, total) + jax.nn.softplus(network(params, x))


def checkpointed(params, x):
    return jax.checkpoint(network)(params, x) * jnp.sum(x**2)


CASES = {
    "sparse": (LAPLACIAN, network, STDE(num_samples=2)),
    "sparse, of most": (LAPLACIAN, network, STDE(num_samples=4)),
    "with replacement": (LAPLACIAN, network, STDE(num_samples=2, sampler=stde.Sparse(replace=True))),
    "with probabilities": (
        LAPLACIAN,
        network,
        STDE(num_samples=2, sampler=stde.Sparse(replace=True, probabilities=np.arange(1, 6) / 15)),
    ),
    "gaussian": (stde.Biharmonic(), network, STDE(num_samples=2, sampler=stde.Gaussian())),
    "rademacher": (LAPLACIAN, network, STDE(num_samples=2, sampler=stde.Rademacher())),
    "sdgd": (LAPLACIAN, network, SDGD(num_samples=2)),
    "hutchinson": (LAPLACIAN, network, Hutchinson(num_samples=2)),
    "exact": (stde.partial(0) ** 3 * stde.partial(1) + stde.Biharmonic(), network, Exact()),
    "exact, in chunks": (LAPLACIAN, network, Exact(chunk_size=2)),
    "a loop and a branch": (LAPLACIAN, looped, STDE(num_samples=2)),
    "sdgd of a loop": (LAPLACIAN, looped, SDGD(num_samples=2)),
    "checkpoint": (LAPLACIAN, checkpointed, Exact()),
}


# What JAX itself can do under an explicit mesh: it cannot gather by sharded indices, which sparse draws are.
EXPLICIT = (
    "gaussian",
    "rademacher",
    "sdgd",
    "hutchinson",
    "exact",
    "exact, in chunks",
    "sdgd of a loop",
    "checkpoint",
)


def losses(params, x, keys, names=tuple(CASES)):
    """Of each case, a mean over points of squares and its gradient, and the mean standard error."""

    def one(name):
        operator, model, estimator = CASES[name]

        def loss(params):
            out = jax.vmap(
                lambda x, key: stde.estimate(operator, partial(model, params), x, estimator, key=key)
            )(x, keys)
            return jnp.mean(out.value**2), jnp.mean(out.standard_error)

        return jax.value_and_grad(loss, has_aux=True)(params)

    return {name: one(name) for name in names}


def in_shards(mesh):
    """Every device its points; what it computes from them, averaged over the devices."""

    def shard(params, x, keys):
        params = jax.lax.pcast(params, ("points",), to="varying")
        return jax.lax.pmean(losses(params, x, keys), "points")

    return jax.shard_map(shard, mesh=mesh, in_specs=(ALL, SPLIT, SPLIT), out_specs=ALL)


def difference(found, expected):
    scale = max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(expected))
    gaps = jax.tree.map(lambda a, b: float(jnp.max(jnp.abs(a - b))), found, expected)
    return max(jax.tree.leaves(gaps)) / scale


def main():
    a, b, c, d = jax.random.split(jax.random.key(0), 4)
    params = (jax.random.normal(a, (4, DIM)) / 2, jax.random.normal(b, (4,)))
    x, keys = jax.random.normal(c, (BATCH, DIM)), jax.random.split(d, BATCH)
    expected = jax.jit(losses)(params, x, keys)
    auto = jax.make_mesh((4,), ("points",), axis_types=(AxisType.Auto,))
    split = NamedSharding(auto, SPLIT)
    sharded = jax.device_put((x, keys), split)
    found = {
        "shard_map": jax.jit(in_shards(auto))(params, *sharded),
        "auto": jax.jit(losses)(params, *sharded),
    }
    explicit = jax.make_mesh((4,), ("points",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(explicit):
        arguments = (
            jax.device_put(params, NamedSharding(explicit, ALL)),
            *jax.device_put((x, keys), NamedSharding(explicit, SPLIT)),
        )
        found["explicit"] = jax.jit(partial(losses, names=EXPLICIT))(*arguments)
        sparse = jax.sharding.auto_axes(partial(losses, names=("sparse",)), out_sharding=ALL)
        found["auto_axes"] = jax.jit(sparse)(*arguments)
    differences = {
        kind: {name: difference(value, expected[name]) for name, value in out.items()}
        for kind, out in found.items()
    }
    print(json.dumps({"devices": jax.device_count(), "differences": differences}))


if __name__ == "__main__":
    main()
