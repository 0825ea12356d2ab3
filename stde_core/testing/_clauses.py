"""The clauses that contracts have in common."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, subjaxprs
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from .._estimate import estimate
from .._operators import AbstractOperator, Laplacian
from .._plan import AbstractEstimator
from ._contract import jit, require, require_mean, require_near, require_sentence, require_variance
from ._subject import Subject, cast, network, outputs

_STEP = 1e-5


def refusals(subject: Subject) -> None:
    for name, reason in subject.reasons.items():
        if reason is not None:
            require_sentence(f"`refuses` of {name}", reason)
            require(reason[-1] not in ".!", f"`refuses` ends with a full stop, which is added: {reason!r}.")
    refused = "; ".join(f"{name}: it {reason}" for name, reason in subject.reasons.items())
    require(None in subject.reasons.values(), f"every operator is refused ({refused}).")


def round_trip(subject: Subject) -> None:
    require_round_trip(subject.tested)


def require_round_trip(subject: Any) -> None:
    """Raises `AssertionError` unless a PyTree comes back from its leaves and its static parts hash."""
    leaves, structure = jax.tree.flatten(subject)
    back = jax.tree.unflatten(structure, leaves)
    require(type(back) is type(subject), f"rebuilt from its leaves it is a {type(back).__name__}.")
    require(jax.tree.structure(back) == structure, "rebuilt from its leaves it has another structure.")
    for static in _statics(subject):
        try:
            hash(static)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"a static field cannot be hashed ({error}): {static!r}.") from error


def _statics(tree: Any) -> Iterator[Any]:
    """What is static in a tree, and so has to be hashed and compared when functions are compiled."""
    nodes = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, eqx.Module))
    for module in (node for node in nodes if isinstance(node, eqx.Module)):
        for field in dataclasses.fields(module):
            value = getattr(module, field.name)
            yield from [value] if field.metadata.get("static", False) else _statics(value)


def moments(subject: Subject) -> None:
    for name in subject.operators:
        values = subject.estimates.value[name][:-1]
        require_mean(f"{subject.found}s of {name}", values, subject.exact[name])


def standard_error(subject: Subject) -> None:
    for name in subject.operators:
        values, errors = subject.estimates.value[name][:-1], subject.estimates.standard_error[name][:-1]
        if not np.all(np.isnan(errors)):
            require_variance(name, values, errors**2)


def dtypes(subject: Subject) -> None:
    for dtype in (jnp.float32, jnp.float64):
        arguments = cast((subject.operators, subject.model, subject.x), dtype)
        found = eqx.filter_eval_shape(subject.estimate, *arguments, subject.keys[0])
        require_dtype(f"at a point of {np.dtype(dtype)} the {subject.found}", found, dtype)


def require_dtype(what: str, tree: Any, dtype: Any) -> None:
    """All real arrays of a tree, or of their shapes, have the dtype."""
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            require(leaf.dtype == dtype, f"{what} has dtype {leaf.dtype}, expected {np.dtype(dtype)}.")


def transforms(subject: Subject) -> None:
    # One is enough: what differs between operators is not the transform.
    operator = next(iter(subject.operators.values()))
    arrays, rest = eqx.partition((operator, subject.model), eqx.is_inexact_array)
    numbers, arrays_of = ravel_pytree(arrays)

    def value(numbers: Array, x: Array, key: Array) -> Array:
        trained = eqx.combine(arrays_of(numbers), rest)
        return subject.estimate(*trained, x, key, standard_error=False).value

    points, keys = subject.points, subject.keys[:2]
    plain = value(numbers, points[0], keys[0])
    looped = jit(lambda: jax.lax.map(lambda pair: value(numbers, *pair), (points, keys)))()
    mapped = jit(jax.vmap(partial(value, numbers)))(points, keys)
    require_near("under jit the value", looped[0], plain, why="the plain one")
    require_near("under vmap a value", mapped, looped, why="that in a loop")
    _require_gradient(value, numbers, points, keys)


def _require_gradient(value: Callable[..., Array], numbers: Array, points: Array, keys: Array) -> None:
    """By reverse mode under vmap it is that of central differences."""
    towards = jnp.cos(1.0 + jnp.arange(numbers.size))

    def loss(numbers: Array, x: Array, key: Array) -> Array:
        values = value(numbers, x, key).real.ravel()
        return jnp.cos(1.0 + jnp.arange(values.size)) @ values

    def moved(step: Array) -> Array:
        return loss(numbers + step * towards, points[0], keys[0])

    gradients = jit(jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)))(numbers, points, keys)
    products = gradients[0] * towards
    ahead, behind = jit(lambda: jax.lax.map(moved, jnp.array([_STEP, -_STEP])))()
    difference = (ahead - behind) / (2 * _STEP)
    # Central differences are off by about step² plus rounding / step, in units of what is added up.
    atol = 1e-6 * (1 + float(jnp.abs(products).sum()))
    what, why = "the gradient in parameters", "that of central differences"
    require_near(what, products.sum(), difference, rtol=0.0, atol=atol, why=why)


def trace(subject: Subject) -> None:
    estimator, laplacian = subject.estimator, Laplacian()
    # More than one chunk of directions in both: `exact` takes fewer at once, without a loop.
    require_bounded("the dimension", *(equations(laplacian, estimator, dim, None) for dim in (300, 1200)))
    if "num_samples" in {field.name for field in dataclasses.fields(estimator)}:
        others = (dataclasses.replace(estimator, num_samples=number) for number in (4, 16))
        require_bounded("`num_samples`", *(equations(laplacian, other, 80, None) for other in others))


def equations(operator: AbstractOperator, estimator: AbstractEstimator, dim: int, out: Any) -> int | None:
    """The length of an estimate's trace, loops and calls inside it included; None where there is none."""
    try:
        families = operator.families(dim)
    except ValueError:  # the operator has no meaning in so many dimensions
        return None
    if estimator.refuses(operator, dim) is not None:
        return None
    model = network(dim, out or outputs(families))
    traced = jax.make_jaxpr(lambda x, key: estimate(operator, model, x, estimator, key=key))
    return _count(traced(jnp.ones(dim), jax.random.key(0)).jaxpr)


def _count(jaxpr: Jaxpr) -> int:
    return len(jaxpr.eqns) + sum(map(_count, subjaxprs(jaxpr)))


def require_bounded(what: str, few: int | None, many: int | None) -> None:
    """Four times as many of something add hardly any equations to a trace."""
    if few is not None and many is not None:
        grows = f"{what} makes the trace grow from {few} to {many} equations"
        require(many <= 1.1 * few + 20, f"{grows}; map over them in place of a loop.")
