from abc import abstractmethod
from collections.abc import Hashable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._terms import AbstractFamily
from .._terms._tangents import Draw
from ._base import AbstractTangentSampler

# A family that dense tangents cannot represent is taken whole up to this many terms. For 1,024 cubes of a
# network of width 128 this takes 4 times as long as 16 dense samples on two CPU cores, for 4,096 5 times.
_MAX_WHOLE = 1024


class AbstractDenseSampler(AbstractTangentSampler):
    """Isotropic noise v with `E[vvᵀ] = I`, by which a few dense tangents represent a whole family.

    Dense tangents for a Laplacian are Hutchinson's trace estimator (1990). Leaves define the noise and its
    fourth moment.
    """

    @abstractmethod
    def noise(self, shape: tuple[int, ...], *, key: PRNGKeyArray) -> Float[Array, "..."]:
        """Independent isotropic vectors along the last axis."""

    @abstractmethod
    def fourth_moment(self, size: int) -> float | None:
        """c in `E[v_i v_j v_k v_l] = c (δδ + δδ + δδ)`; None if the moment has another form."""

    def __call__(self, family: AbstractFamily, num_samples: int, *, key: PRNGKeyArray) -> Draw:
        isotropic = family.isotropic
        assert isotropic is not None
        return Draw(
            jnp.full(num_samples, 1 / num_samples),
            noise=self.noise((num_samples, isotropic.vectors, isotropic.size), key=key),
            fourth_moment=self.fourth_moment(isotropic.size),
        )

    def takes_all(self, family: AbstractFamily, num_samples: int) -> bool:
        return family.isotropic is None

    def space(self, family: AbstractFamily) -> Hashable:
        return None if family.isotropic is None else family.isotropic.space

    def refuses(self, families: tuple[AbstractFamily, ...], num_samples: int) -> str | None:
        name = type(self).__name__
        for family in families:
            if family.isotropic is None and family.size > _MAX_WHOLE:
                return (
                    f"has no dense law for {family.size} terms with powers {family.powers}, "
                    f"too many to take whole; use a sparse sampler"
                )
            isotropic = family.isotropic
            if isotropic and isotropic.moment == 4 and self.fourth_moment(isotropic.size) is None:
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
