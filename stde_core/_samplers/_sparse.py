from collections.abc import Hashable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw
from ..checks import check_flag, in_short
from ._base import AbstractTangentSampler


class Sparse(AbstractTangentSampler):
    """Random terms of a family; for a Laplacian, random coordinates.

    This is sparse STDE (Shi et al., NeurIPS 2024, arXiv:2412.00088), and the sampling of SDGD (Hu, Shukla,
    Karniadakis and Kawaguchi, 2023, arXiv:2307.12306). Terms are uniform without replacement, or with it
    (`replace`) and then with optional `probabilities` `[size]`, which must suit every family that is
    sampled. Without replacement a family of at most `num_samples` terms is taken whole.
    Raises `ValueError` for probabilities without replacement, or that are not positive with sum 1.
    """

    replace: bool = eqx.field(static=True, default=False)
    probabilities: Float[Array | np.ndarray, " size"] | None = eqx.field(
        default=None, converter=lambda p: None if p is None else _as_probabilities(p)
    )

    def __check_init__(self):
        check_flag("Sparse(replace)", self.replace)
        if self.probabilities is not None and not self.replace:
            raise ValueError(
                "`Sparse(probabilities=…)` without replacement would be biased; set `replace=True`."
            )

    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        size = family.size
        if self.probabilities is not None:
            p = jax.lax.stop_gradient(jnp.asarray(self.probabilities))
            indices = jax.random.choice(key, size, (num_samples,), p=p)
            return Draw(1 / (num_samples * p[indices]), indices=indices)
        weights = jnp.full(num_samples, size / num_samples)
        if self.replace:
            return Draw(weights, indices=jax.random.randint(key, (num_samples,), 0, size))
        indices = _without_replacement(size, num_samples, key=key)
        return Draw(weights, indices=indices, finite_population_correction=1 - num_samples / size)

    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        return family.size == 1 or (not self.replace and family.size <= num_samples)

    def space(self, family: AbstractFamily) -> Hashable:
        return family.index_set

    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        sizes = [family.size for family in families if family.size > 1]
        if not sizes:
            return None
        if max(sizes) >= 2**31:
            return f"cannot index {max(sizes)} terms; use dense tangents (gaussian or rademacher)"
        if not self.replace and num_samples > max(sizes):
            return (
                f"cannot draw {num_samples} of {max(sizes)} terms without replacement; lower "
                f"`num_samples` to at most {max(sizes)}, or use the `exact` estimator"
            )
        p = self.probabilities
        for family in families:
            if p is not None and family.size not in (1, len(p)):
                return (
                    f"has {len(p)} probabilities for a family of {family.size} terms; "
                    f"give one probability per term"
                )
        return None


def _as_probabilities(probabilities: Any) -> Float[np.ndarray, " size"]:
    try:
        p = np.asarray(probabilities, float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`Sparse(probabilities)` needs a vector of positive numbers, got {in_short(probabilities)}."
        ) from error
    if p.ndim != 1 or not np.all(p > 0) or not np.isclose(p.sum(), 1, rtol=1e-4):
        raise ValueError(
            "`Sparse(probabilities)` needs a vector of positive numbers that sum to 1, got "
            f"shape {p.shape} with sum {p.sum():.6g} and least entry {p.min(initial=np.inf):.6g}."
        )
    return p / p.sum()


def _without_replacement(size: int, num_samples: int, *, key: PRNGKeyArray) -> Int[Array, " n"]:
    """A uniform subset, by Floyd's algorithm for small ones."""
    # Floyd's algorithm takes n steps of n comparisons, a permutation sorts `size` numbers. On two CPU cores
    # Floyd's is 5,000 times faster for 64 of 100,000 and 100 times for 512 of 10,000, where the switch is
    # near; it stays faster up to half of 1,000. Another value would change the draws of a key.
    if num_samples**2 > 32 * size:
        return jax.random.permutation(key, size)[:num_samples]
    largest = jnp.arange(size - num_samples, size)
    proposals = jax.random.randint(key, (num_samples,), 0, largest + 1)

    # Step i adds a number up to `largest[i]`; one that is in the set already is replaced by `largest[i]`.
    def add(i: Int[Array, ""], chosen: Int[Array, " n"]) -> Int[Array, " n"]:
        taken = jnp.any(chosen == proposals[i])
        return chosen.at[i].set(jnp.where(taken, largest[i], proposals[i]))

    return jax.lax.fori_loop(0, num_samples, add, jnp.full_like(proposals, -1))
