"""The coefficients `c_j(x)` of a family's terms: numbers, arrays, functions of x, and sums of products."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from .._types import Point
from ..checks import in_short, noted


class FrozenArray(eqx.Module):
    """A NumPy array as a static, hashable coefficient: like a Python number, it gets no gradient."""

    data: bytes = eqx.field(static=True)
    dtype: str = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, array: np.ndarray):
        self.data, self.dtype, self.shape = array.tobytes(), array.dtype.str, array.shape

    def array(self) -> np.ndarray:
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


class CoefficientFunction(eqx.Module):
    """A coefficient that is a function of x: a plain function, or a module with parameters."""

    function: Callable[[Point], Any]


def as_coefficient(value: Any) -> Any:
    """The form in which operators store a coefficient; raises `TypeError` if it cannot be one."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and (jnp.issubdtype(value.dtype, np.number) or value.dtype == bool):
        return FrozenArray(value)
    if isinstance(value, type):
        raise TypeError(f"An operator or coefficient is needed, got the class {value.__name__}; call it.")
    if isinstance(value, (bool, str, bytes)) or not (
        isinstance(value, (int, float, complex, FrozenArray, CoefficientFunction, jax.Array))
        or callable(value)
    ):
        raise TypeError(
            "An operator's coefficient, direction or sigma must be a number, an array (`jnp.array(…)`) or a "
            f"function of x, got {in_short(value)}."
        )
    if isinstance(value, CoefficientFunction) or not callable(value):
        return value
    return CoefficientFunction(value)


def inverse(coefficient: Any) -> Any:
    """One over a number or an array; raises `ZeroDivisionError` if an entry is known to be 0."""
    known = coefficient.array() if isinstance(coefficient, FrozenArray) else coefficient
    if isinstance(known, (int, float, complex, np.ndarray)) and np.any(known == 0):
        raise ZeroDivisionError("An operator cannot be divided by 0.")
    if isinstance(known, np.ndarray):
        return FrozenArray(1 / known)
    return 1 / known


def evaluate(value: Any, x: Point) -> Any:
    """The coefficient at `x`: a Python number, or an array."""
    match value:
        case CoefficientFunction():
            with noted(
                "An operator's coefficient, direction or sigma is a function of one point `x` to an array."
            ):
                return jnp.asarray(value.function(x))
        case FrozenArray():
            return jnp.asarray(value.array(), _like(x, value.array().dtype))
        case _:
            return value


def _like(x: Point, dtype: np.dtype) -> Any:
    """The dtype of a constant beside x: that of x, or the complex dtype of the same precision."""
    companion = jnp.complex128 if x.dtype == jnp.float64 else jnp.complex64
    return companion if dtype.kind == "c" else x.dtype


class Summand(eqx.Module):
    """`number · Π factors(x) · entries_j(x)`: all terms share the factors, each has its entry.

    Entries are None (all 1), an array `[size]` or a function of x that returns one.
    """

    number: int | float | complex = 1
    factors: tuple[Any, ...] = ()
    entries: Any = None

    def times(self, factor: Any) -> "Summand":
        if isinstance(factor, (int, float, complex)):
            return Summand(self.number * factor, self.factors, self.entries)
        return Summand(self.number, (*self.factors, factor), self.entries)

    @property
    def numeric(self) -> bool:
        """Whether it consists of Python numbers and NumPy arrays, which are known at trace time."""
        return not self.factors and (self.entries is None or isinstance(self.entries, np.ndarray))

    def scale(self, x: Point) -> Inexact[Array, "..."]:
        scale = jnp.asarray(self.number, _like(x, np.asarray(self.number).dtype))
        for factor in self.factors:
            scale = scale * evaluate(factor, x)
        return scale

    def per_term(self, x: Point) -> Inexact[Array, " size"] | None:
        entries: Any = self.entries(x) if callable(self.entries) else self.entries
        return jnp.asarray(entries, _like(x, entries.dtype)) if isinstance(entries, np.ndarray) else entries

    def term(self, j: int) -> "Summand":
        """The coefficient of one term; entries must not be a function."""
        if self.entries is None:
            return self
        entry = self.entries[j]
        numeric = isinstance(self.entries, np.ndarray)
        return Summand(self.number, self.factors).times(entry.item() if numeric else entry)

    def scattered(self, positions: np.ndarray, size: int) -> "Summand":
        """The coefficient for a family of `size` terms that has these at `positions`; 0 elsewhere."""
        match self.entries:
            case None:
                entries: Any = np.zeros(size)
                entries[positions] = 1.0
            case np.ndarray():
                entries = np.zeros(size, self.entries.dtype)
                entries[positions] = self.entries
            case function if callable(function):
                entries = partial(_scatter_function, function, positions, size)
            case array:
                entries = _scatter(array, positions, size)
        return Summand(self.number, self.factors, entries)


def _scatter_function(function: Any, positions: np.ndarray, size: int, x: Point) -> Array:
    return _scatter(function(x), positions, size)


def _scatter(array: Array, positions: np.ndarray, size: int) -> Array:
    return jnp.zeros(size, array.dtype).at[positions].set(array)


class Coefficient(eqx.Module):
    """The coefficients `c_j(x)` of the terms of a family, a sum of `Summand`s."""

    summands: tuple[Summand, ...] = (Summand(),)

    def times(self, factor: Any) -> "Coefficient":
        return Coefficient(tuple(summand.times(factor) for summand in self.summands))

    @property
    def uniform(self) -> bool:
        """Whether all terms share one coefficient."""
        return all(summand.entries is None for summand in self.summands)

    @property
    def foldable(self) -> bool:
        """Whether each term has one real coefficient, which can be folded into a tangent.

        A function counts as real: its output is unknown before there is a point.
        """
        return all(
            _is_real(s.number) and _is_real(s.entries) and all(map(_is_real_scalar, s.factors))
            for s in self.summands
        )

    @property
    def varies(self) -> bool:
        """Whether a function of x takes part."""
        return any(
            callable(summand.entries) or any(isinstance(f, CoefficientFunction) for f in summand.factors)
            for summand in self.summands
        )

    def __call__(self, x: Point, indices: Any = None) -> Inexact[Array, "rows ..."]:
        """The coefficients `[n, *out]` of the terms at `indices`, or `[1, *out]` if uniform."""
        values = []
        for summand in self.summands:
            scale, per_term = summand.scale(x), summand.per_term(x)
            if per_term is None:
                values.append(scale[None])
            else:
                picked = per_term if indices is None else per_term[indices]
                values.append(picked.reshape(-1, *[1] * scale.ndim) * scale[None])
        return reduce(jnp.add, align(values))


def _is_real(value: Any) -> bool:
    return value is None or callable(value) or not jnp.iscomplexobj(value)


def _is_real_scalar(factor: Any) -> bool:
    match factor:
        case CoefficientFunction():
            return True
        case FrozenArray():
            return factor.shape == () and _is_real(factor.array())
        case _:
            return jnp.ndim(factor) == 0 and _is_real(factor)


def align(values: Sequence[Array]) -> list[Array]:
    """Arrays `[n, *out]` with equal ranks, by axes of length 1 after the samples."""
    rank = max(value.ndim for value in values)
    return [value.reshape(value.shape[0], *[1] * (rank - value.ndim), *value.shape[1:]) for value in values]


def add_coefficients(parts: Sequence[tuple[np.ndarray | None, Coefficient]], size: int) -> Coefficient:
    """The sum of the coefficients of several families, for one family of `size` terms.

    Each part comes with the positions of its terms in that family, None for all. Numbers and NumPy arrays
    add up to one summand, or to two if some are complex, since entries are real.
    """
    summands = [(at, summand) for at, coefficient in parts for summand in coefficient.summands]
    numeric = [
        (slice(None) if at is None else at, s.number * (1 if s.entries is None else s.entries))
        for at, s in summands
        if s.numeric
    ]
    traced = [s if at is None else s.scattered(at, size) for at, s in summands if not s.numeric]
    if not numeric:
        return Coefficient(tuple(traced))
    total = np.zeros(size, complex if any(map(np.iscomplexobj, (v for _, v in numeric))) else float)
    for at, values in numeric:
        total[at] += values
    if np.all(total == total[0]):
        return Coefficient((Summand(total[0].item()), *traced))
    if np.isrealobj(total):
        return Coefficient((Summand(entries=total), *traced))
    return Coefficient((Summand(entries=np.real(total)), Summand(1j, entries=np.imag(total)), *traced))


def add_scattered(parts: Sequence[tuple[Sequence[Any], Coefficient]], terms: Sequence[Any]) -> Coefficient:
    """The sum of coefficients, each for the terms of its part, for a family of all `terms`."""
    position = {term: j for j, term in enumerate(terms)}
    at = [None if part == terms else np.asarray([position[term] for term in part]) for part, _ in parts]
    return add_coefficients([(where, c) for where, (_, c) in zip(at, parts, strict=True)], len(terms))


def weigh(weights: Float[Array, " n"], coefficient: Inexact[Array, "rows ..."]) -> Inexact[Array, "n ..."]:
    """Sample weights times coefficients, `[n, *out]`, in the coefficients' dtype."""
    weights = weights.astype(coefficient.dtype)
    return weights.reshape(-1, *[1] * (coefficient.ndim - 1)) * coefficient
