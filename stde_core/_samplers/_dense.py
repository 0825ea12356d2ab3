from abc import abstractmethod
from collections.abc import Hashable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw
from ._base import AbstractTangentSampler

# A family without a dense law is contracted whole up to this many terms.
_WHOLE_LIMIT = 1024


class AbstractDenseSampler(AbstractTangentSampler):
    """Isotropic noise v with `E[vvᵀ] = I`: a few dense tangents stand for a whole family.

    Leaves say how the noise is drawn and what its fourth moment is.
    """

    @abstractmethod
    def noise(self, shape: tuple[int, ...], *, key: PRNGKeyArray) -> Float[Array, "..."]:
        """Independent isotropic vectors along the last axis."""

    @abstractmethod
    def fourth_moment(self, size: int) -> float | None:
        """c in `E[v_i v_j v_k v_l] = c (δδ + δδ + δδ)`; None where the moment has no such form."""

    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        law = family.isotropic
        assert law is not None
        return Draw(
            jnp.full(num_samples, 1 / num_samples),
            noise=self.noise((num_samples, law.vectors, law.size), key=key),
            fourth_moment=self.fourth_moment(law.size),
        )

    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        return family.isotropic is None

    def space(self, family: AbstractFamily) -> Hashable:
        return None if family.isotropic is None else family.isotropic.space

    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        name = type(self).__name__
        for family in families:
            if family.isotropic is None and family.size > _WHOLE_LIMIT:
                return (
                    f"has no dense law for {family.size} terms with powers {family.powers}, "
                    f"too many to take whole; use a sparse sampler"
                )
            asked = family.isotropic
            if asked and asked.moment == 4 and self.fourth_moment(asked.size) is None:
                return (
                    f"would be biased: powers {family.powers} need an isotropic fourth moment, which "
                    f"{name} tangents do not have; use gaussian, sphere or sparse ones"
                )
        return None


class Rademacher(AbstractDenseSampler):
    """Random signs: the least variance for second-order operators, `2 Σ_{i≠j} H_ij²` per sample."""

    def noise(self, shape: tuple[int, ...], *, key: PRNGKeyArray) -> Float[Array, "..."]:
        return jax.random.rademacher(key, shape, dtype=jnp.zeros(()).dtype)

    def fourth_moment(self, size: int) -> float | None:
        return None


class Gaussian(AbstractDenseSampler):
    """Standard normal entries; per sample `Var D²u[v²] = 2 ‖H‖_F²`."""

    def noise(self, shape: tuple[int, ...], *, key: PRNGKeyArray) -> Float[Array, "..."]:
        return jax.random.normal(key, shape)

    def fourth_moment(self, size: int) -> float | None:
        return 1.0


class Sphere(AbstractDenseSampler):
    """Uniform on the sphere of radius `√size`."""

    def noise(self, shape: tuple[int, ...], *, key: PRNGKeyArray) -> Float[Array, "..."]:
        normal = jax.random.normal(key, shape)
        return normal * (shape[-1] ** 0.5 / jnp.linalg.norm(normal, axis=-1, keepdims=True))

    def fourth_moment(self, size: int) -> float | None:
        return size / (size + 2)
