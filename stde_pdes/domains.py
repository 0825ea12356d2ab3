"""Distributions of collocation points."""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from stde_core import Point, as_int, check_count
from stde_core.checks import in_short, noted

from ._checks import check_least, check_positive, is_number

Bounds: TypeAlias = tuple[tuple[float, float], ...]


class AbstractDomain(eqx.Module):
    """A distribution of points: `domain(n, key=key)` draws n of them, `[n, num_inputs]`.

    - `num_inputs`: the entries of a point.
    - `bounds`: the interval `(low, high)` of each of them, or None where one of them has none.

    `space * time` has points of both, independent of each other: `Product(space, time)`.
    """

    num_inputs: eqx.AbstractVar[int]
    bounds: eqx.AbstractVar[Bounds | None]

    @abstractmethod
    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        """Draws points, each of which has the law of the domain."""

    def __mul__(self, other: "AbstractDomain") -> "Product":
        return Product(self, other)


# --- in a box


def bounds_of(call: str, box: Any) -> Bounds:
    """The bounds of a box, or what bounds are given as. Raises `ValueError` for what they cannot be."""
    bounds = box.bounds if isinstance(box, Box) else box
    try:
        pairs = tuple((low, high) for low, high in bounds)
    except (TypeError, ValueError):
        pairs = ()
    finite = all(is_number(end) and abs(end) < float("inf") for pair in pairs for end in pair)
    if not pairs or not finite or any(low >= high for low, high in pairs):
        raise ValueError(
            f"`{call}` needs a pair (low, high) of finite numbers, low < high, for each input, got "
            f"{in_short(bounds)}; `Box([(0, 1), (0, 1)])` is a square."
        )
    return tuple((float(low), float(high)) for low, high in pairs)


class AbstractInBox(AbstractDomain):
    """Points in a box, or on its faces."""

    bounds: eqx.AbstractVar[Bounds]

    @property
    def num_inputs(self) -> int:
        return len(self.bounds)


class Box(AbstractInBox):
    """Uniform on a product of intervals `(low, high)`, one per input."""

    bounds: Bounds = eqx.field(static=True, converter=lambda bounds: bounds_of("Box(bounds)", bounds))

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        return in_box(jax.random.uniform(key, (num_points, self.num_inputs)), self.bounds)

    def boundary(
        self, axes: int | Sequence[int] | None = None, sides: int | Sequence[int] = (-1, 1)
    ) -> "Faces":
        """All its faces, or those of some axes and sides alone, as `Faces` has them."""
        return Faces(self, axes, sides)


def Interval(low: float | int, high: float | int) -> Box:
    """A `Box` of one input, such as time."""
    return Box(((low, high),))


def in_box(unit: Float[Array, "n inputs"], bounds: Bounds) -> Float[Array, "n inputs"]:
    low, high = jnp.asarray(bounds).T
    return low + (high - low) * unit


class Faces(AbstractInBox):
    """Uniform by area on faces of a box.

    - `axes`: the inputs that are constant on these faces, negative ones counted from the last; None for all.
    - `sides`: -1 for faces where that input is lowest, 1 for those where it is highest, or both.
    """

    bounds: Bounds = eqx.field(static=True)
    axes: tuple[int, ...] = eqx.field(static=True)
    sides: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        box: Any,
        axes: int | Sequence[int] | None = None,
        sides: int | Sequence[int] = (-1, 1),
    ) -> None:
        self.bounds = bounds_of("Faces(box)", box)
        dim = len(self.bounds)
        chosen = _chosen("axes", range(dim) if axes is None else axes, range(-dim, dim))
        self.axes = tuple(dict.fromkeys(axis % dim for axis in chosen))
        self.sides = _chosen("sides", sides, (-1, 1))

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        inside, faces = jax.random.split(key)
        axes, ends, _, lengths = map(jnp.asarray, self._faces())
        # The area of a face is the volume of the box over its length across the face.
        weights = 1 / lengths
        face = jax.random.choice(faces, len(axes), (num_points,), p=weights / weights.sum())
        x = in_box(jax.random.uniform(inside, (num_points, self.num_inputs)), self.bounds)
        across = jnp.arange(self.num_inputs) == axes[face][:, None]
        return jnp.where(across, ends[face][:, None], x)

    def normal(self, point: Point) -> Point:
        """The outward unit normal at a point of these faces: that of the nearest of them."""
        axes, ends, sides, lengths = self._faces()
        nearest = jnp.argmin(jnp.abs(point[axes] - jnp.asarray(ends, point.dtype)) / lengths)
        normals = sides[:, None] * (np.arange(self.num_inputs) == axes[:, None])
        return jnp.asarray(normals, point.dtype)[nearest]

    def _faces(self) -> tuple[np.ndarray, ...]:
        """Of each face: the axis, where on it the face is, the side, and the length of the box across."""
        faces = [(axis, side, *self.bounds[axis]) for axis in self.axes for side in self.sides]
        axes, sides, low, high = map(np.asarray, zip(*faces, strict=True))
        return axes, np.where(sides > 0, high, low), sides, high - low


def _chosen(field: str, values: Any, choices: Sequence[int]) -> tuple[int, ...]:
    """One of the choices or several, as a tuple. Raises `ValueError` for what is none of them."""
    found = tuple(map(as_int, [values] if np.ndim(values) == 0 else values))
    if not found or not all(isinstance(value, int) and value in choices for value in found):
        listed = ", ".join(map(str, choices)) if len(choices) <= 6 else f"{choices[0]} to {choices[-1]}"
        raise ValueError(f"`Faces({field})` needs one or several of {listed}, got {in_short(values)}.")
    return found


# --- about the origin


class AbstractCentred(AbstractDomain):
    """Points of a law that rotations about the origin do not change."""

    dim: eqx.AbstractVar[int]

    @property
    def num_inputs(self) -> int:
        return self.dim


class Ball(AbstractCentred):
    """Uniform by volume on a ball: in high dimension almost all points are near its surface."""

    dim: int = eqx.field(static=True)
    radius: float = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        check_count("Ball(dim)", self.dim)
        check_positive("Ball(radius)", self.radius)

    @property
    def bounds(self) -> Bounds:
        return ((-self.radius, self.radius),) * self.dim

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        directions, radii = jax.random.split(key)
        r = self.radius * jax.random.uniform(radii, (num_points, 1)) ** (1 / self.dim)
        return _on_spheres(r, self.dim, key=directions)

    def boundary(self) -> "Spheres":
        return Sphere(self.dim, self.radius)


class Shell(AbstractCentred):
    """`x = r z/|z|` with z normal and r uniform on [inner, outer]: the radius, not the volume, is uniform."""

    dim: int = eqx.field(static=True)
    inner: float = eqx.field(static=True)
    outer: float = eqx.field(static=True)

    def __check_init__(self):
        check_count("Shell(dim)", self.dim)
        check_least("Shell(inner)", self.inner, 0)
        check_positive("Shell(outer - inner)", self.outer - self.inner)

    @property
    def bounds(self) -> Bounds:
        return ((-self.outer, self.outer),) * self.dim

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        directions, radii = jax.random.split(key)
        r = jax.random.uniform(radii, (num_points, 1), minval=self.inner, maxval=self.outer)
        return _on_spheres(r, self.dim, key=directions)

    def boundary(self) -> "Spheres":
        """The outer sphere, and the inner one where there is one."""
        return Spheres(self.dim, (self.inner, self.outer) if self.inner > 0 else (self.outer,))


def RadialBall(dim: int, radius: float = 1.0) -> Shell:
    """A ball with a uniform radius, the law of many published results: a `Shell` without a hole.

    `Ball` is uniform by volume.
    """
    return Shell(dim, 0.0, radius)


class Spheres(AbstractCentred):
    """Uniform on the spheres of the given radii about the origin, all spheres equally likely."""

    dim: int = eqx.field(static=True)
    radii: tuple[float, ...] = eqx.field(static=True, converter=tuple)

    def __check_init__(self):
        check_count("Spheres(dim)", self.dim)
        for radius in self.radii:
            check_positive("Spheres(radii)", radius)

    @property
    def bounds(self) -> Bounds:
        return ((-max(self.radii), max(self.radii)),) * self.dim

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        directions, sides = jax.random.split(key)
        r = jax.random.choice(sides, jnp.asarray(self.radii), (num_points, 1))
        return _on_spheres(r, self.dim, key=directions)

    def normal(self, point: Point) -> Point:
        """The unit vector away from the origin, which on a shell's inner sphere is its inward normal."""
        return point / jnp.linalg.norm(point)


def Sphere(dim: int, radius: float = 1.0) -> Spheres:
    """Uniform on one sphere about the origin."""
    return Spheres(dim, (radius,))


class GaussianSpace(AbstractCentred):
    """Normal points in all of space, with mean 0 and standard deviation `scale` of each coordinate."""

    dim: int = eqx.field(static=True)
    scale: float = eqx.field(static=True, default=1.0)
    bounds = None

    def __check_init__(self):
        check_count("GaussianSpace(dim)", self.dim)
        check_positive("GaussianSpace(scale)", self.scale)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        return self.scale * standard_normal(num_points, self.dim, key=key)


def _on_spheres(radii: Float[Array, "n 1"], dim: int, *, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    z = standard_normal(radii.shape[0], dim, key=key)
    return z * (radii / jnp.linalg.norm(z, axis=1, keepdims=True))


# Drawing so many numbers at once takes three times their memory for random bits.
_AT_ONCE = 2**24
_PIECE = 2**20


def standard_normal(num_points: int, dim: int, *, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    """Standard normal points: the first of them are the same, however many are drawn.

    As many as are drawn at once come from the key itself, every one after them from a key of its own.
    """
    at_once = max(1, _AT_ONCE // dim)
    first = jax.random.normal(key, (min(num_points, at_once), dim))
    if num_points <= at_once:
        return first
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(at_once, num_points))
    more = jax.lax.map(lambda k: jax.random.normal(k, (dim,)), keys, batch_size=max(2, _PIECE // dim))
    return jnp.concatenate([first, more])


# --- from others


class Product(AbstractDomain):
    """Points of several domains, independent of each other, their inputs one after the other.

    A function `(n, *, key) -> points` may stand for a domain.
    """

    domains: tuple[AbstractDomain, ...]

    def __init__(self, *domains: Callable[..., Array]) -> None:
        self.domains = tuple(as_domain(domain, "Product(…)") for domain in domains)

    @property
    def num_inputs(self) -> int:
        return sum(domain.num_inputs for domain in self.domains)

    @property
    def bounds(self) -> Bounds | None:
        parts = [domain.bounds for domain in self.domains if domain.bounds is not None]
        return tuple(itertools.chain(*parts)) if len(parts) == len(self.domains) else None

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        keys = jax.random.split(key, len(self.domains))
        parts = [domain(num_points, key=key) for domain, key in zip(self.domains, keys, strict=True)]
        return jnp.concatenate(parts, axis=1)


class Points(AbstractDomain):
    """A function `(n, *, key) -> points`, `[n, num_inputs]`, as a domain."""

    function: Callable[..., Array]
    num_inputs: int = eqx.field(static=True)
    bounds: Bounds | None = eqx.field(static=True, default=None)

    def __call__(self, num_points: int, *, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
        return self.function(num_points, key=key)


def as_domain(value: Any, call: str) -> AbstractDomain:
    """A domain as it is, and a function `(n, *, key) -> points` as one, for the argument that `call` names.

    Raises `TypeError` for what is neither, `ValueError` for a function that gives no points.
    """
    if isinstance(value, AbstractDomain):
        return value
    wanted = f"`{call}` needs a domain, such as `Box(…)`, or a function `(n, key) -> points`"
    if not callable(value) or isinstance(value, type):
        raise TypeError(f"{wanted}, got {in_short(value)}.")
    tried = 3
    with noted(f"{wanted}, and calls it as `points({tried}, key=jax.random.key(0))`."):
        found = jax.eval_shape(lambda key: jnp.asarray(value(tried, key=key)), jax.random.key(0))
    if found.ndim != 2 or found.shape[0] != tried or not jnp.issubdtype(found.dtype, jnp.floating):
        given = f"{found.dtype}{list(found.shape)}"
        raise ValueError(f"{wanted} of shape [n, inputs], got one that gives {given} for n = {tried}.")
    return Points(value, found.shape[1])
