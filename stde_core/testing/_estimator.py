"""What an estimator promises."""

import dataclasses
import functools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._estimate import estimate
from .._operators import Laplacian
from .._plan import AbstractEstimator, Estimate
from ..checks import check_count
from ._cases import OUT, Case, cases
from ._contract import (
    jit,
    require,
    require_mean,
    require_near,
    require_sentence,
    require_variance,
    run_clauses,
)
from ._models import cast, network, point, points, tensors
from ._shared import (
    count_equations,
    require_bounded,
    require_dtype,
    require_round_trip,
    require_transforms,
)

_NUM_KEYS = 4000


def check_estimator(estimator: AbstractEstimator, *, dim: int = 5, key: Array | None = None) -> None:
    """Checks that an estimator keeps the contract of `AbstractEstimator`.

    The operators that it does not refuse are estimated for a small network with three outputs, in
    `dim` ≥ 4 dimensions and for 4000 keys split from `key`. The clauses:

    - *refusals*: `refuses` returns None or a sentence that begins with a verb, since the estimator's
      name is put before it, and ends without a full stop; some operator is not refused.
    - *shapes*: value and standard error have the tree of the operators and the model's shape; the
      primal is u(x); the standard error is None where it is not asked for.
    - *unbiased*: the mean of the values is the exact one, from nested forward mode in float64, within
      five standard errors; up to rounding where the standard error is 0. What is not refused is right.
    - *standard error*: its square is, in the mean, the variance of the values; or nan throughout.
    - *keys*: equal keys give equal values; without a key the same where nothing is sampled, and a
      `ValueError` that asks for one where something is.
    - *dtypes*: float32 in, float32 out; float64 likewise.
    - *transforms*: the same values plain, under jit, under vmap over points and keys and in a loop;
      gradients in the model's parameters agree with central differences.
    - *round trip*: a PyTree with static parts that hash.
    - *trace*: neither more dimensions nor more samples (where there is a field `num_samples`) make the
      jaxpr much longer.

    Raises `AssertionError` with a sentence that names the first clause that broke, `ValueError` for
    fewer than four dimensions.
    """
    check_count("check_estimator(…, dim)", dim, least=4)
    call = f"check_estimator({type(estimator).__name__}(…))"
    run_clauses(
        call,
        [refusals, round_trip, shapes, unbiased, standard_error, keys, dtypes, transforms, trace],
        lambda: _Subject(cast(estimator, float), dim, jax.random.key(0) if key is None else key),
    )


@dataclass(frozen=True)
class _Subject:
    """An estimator on the operators that it accepts."""

    estimator: AbstractEstimator
    dim: int
    key: Array

    @cached_property
    def cases(self) -> dict[str, Case]:
        return {n: c for n, c in cases(self.dim).items() if self.refuses(c) is None}

    @cached_property
    def operators(self) -> dict[str, Any]:
        return {name: case.operator for name, case in self.cases.items()}

    @cached_property
    def x(self) -> Array:
        return point(self.dim)

    @cached_property
    def model(self) -> Any:
        return network(self.dim, OUT)

    @cached_property
    def exact(self) -> dict[str, np.ndarray]:
        D = _tensors(self.dim)
        return {name: case.reference(D, np.asarray(self.x)) for name, case in self.cases.items()}

    @cached_property
    def estimates(self) -> Estimate:
        """All operators in one call, for many keys, of which the last is the first again."""
        keys = jax.random.split(self.key, _NUM_KEYS)
        found = jit(jax.vmap(lambda key: self.once(self.model, self.x, key)))(jnp.append(keys, keys[0]))
        return jax.tree.map(np.asarray, found)

    def refuses(self, case: Case) -> str | None:
        return self.estimator.refuses(case.operator, self.dim)

    def once(self, model: Any, x: Array, key: Array | None) -> Estimate:
        return estimate(self.operators, model, x, self.estimator, key=key)

    @cached_property
    def sampled(self) -> list[str]:
        """The names of the operators whose values differ between keys."""
        spread = {name: np.abs(v - v[0]) / (1 + np.abs(v[0])) for name, v in self.estimates.value.items()}
        return [name for name, difference in spread.items() if not np.all(difference < 1e-9)]


@functools.cache
def _tensors(dim: int) -> list[np.ndarray]:
    return [np.asarray(t) for t in jit(lambda: tensors(network(dim, OUT), point(dim), 4))()]


def refusals(subject: _Subject) -> None:
    reasons = {name: subject.refuses(case) for name, case in cases(subject.dim).items()}
    for name, reason in reasons.items():
        if reason is not None:
            require_sentence(f"`refuses` of {name}", reason)
            require(reason[-1] not in ".!", f"`refuses` ends with a full stop, which is added: {reason!r}.")
    refused = "; ".join(f"{name}: it {reason}" for name, reason in reasons.items())
    require(None in reasons.values(), f"every operator is refused ({refused}).")


def round_trip(subject: _Subject) -> None:
    require_round_trip(subject.estimator)


def shapes(subject: _Subject) -> None:
    found = subject.estimates
    require_near("the primal", found.primal[0], subject.model(subject.x), why="u(x)")
    for what, tree in {"value": found.value, "standard_error": found.standard_error}.items():
        asked = jax.tree.structure(subject.exact)
        same = jax.tree.structure(tree) == asked
        require(same, f"`{what}` has the tree {jax.tree.structure(tree)}, that of the operators is {asked}.")
        for name, expected in subject.exact.items():
            shape = tree[name].shape[1:]
            require(shape == expected.shape, f"`{what}` of {name} has shape {shape}, not {expected.shape}.")
    without = eqx.filter_eval_shape(
        lambda: estimate(
            subject.operators,
            subject.model,
            subject.x,
            subject.estimator,
            key=subject.key,
            standard_error=False,
        )
    )
    require(without.standard_error is None, "`standard_error` is not None where it is not asked for.")


def unbiased(subject: _Subject) -> None:
    for name, expected in subject.exact.items():
        values, errors = subject.estimates.value[name], subject.estimates.standard_error[name]
        require_mean(f"estimates of {name}", values[:-1], expected)
        if np.all(errors == 0):
            require_near(f"{name}, given without error,", values[0], expected)


def standard_error(subject: _Subject) -> None:
    for name in subject.exact:
        values, errors = subject.estimates.value[name][:-1], subject.estimates.standard_error[name][:-1]
        if not np.all(np.isnan(errors)):
            require_variance(name, values, errors**2)


def keys(subject: _Subject) -> None:
    for name, values in subject.estimates.value.items():
        require_near(f"the value of {name} for the same key", values[-1], values[0], why="the first time it")
    rest = {name: o for name, o in subject.operators.items() if name not in subject.sampled}
    if rest:
        found = jit(lambda: _without_key(subject, rest))()
        for name, value in found.items():
            require_near(f"the value of {name} without a key", value, subject.estimates.value[name][0])
    for name in subject.sampled:
        _require_refusal(subject, name)


def _without_key(subject: _Subject, operators: Any) -> Any:
    return estimate(operators, subject.model, subject.x, subject.estimator).value


def _require_refusal(subject: _Subject, name: str) -> None:
    """What is sampled asks for a key."""
    try:
        eqx.filter_eval_shape(lambda: _without_key(subject, subject.operators[name]))
    except ValueError as error:
        require("key" in str(error), f"without a key {name} is refused, but not for that: {error}")
        require_sentence("what is said of a missing key", str(error))
    else:
        raise AssertionError(f"without a key {name} gives a value, though it is sampled.")


def dtypes(subject: _Subject) -> None:
    for dtype in (jnp.float32, jnp.float64):
        model, x = cast((subject.model, subject.x), dtype)
        found = eqx.filter_eval_shape(subject.once, model, x, subject.key)
        require_dtype(f"at a point of {np.dtype(dtype)} the estimate", found, dtype)


def transforms(subject: _Subject) -> None:
    # One is enough: what differs between operators is not the transform.
    name = next(iter(subject.operators))

    def values(model: Any, x: Array, key: Array) -> Any:
        return estimate(
            subject.operators[name], model, x, subject.estimator, key=key, standard_error=False
        ).value

    keys = jax.random.split(subject.key, 2)
    require_transforms(values, subject.model, points(2, subject.dim), keys)


def trace(subject: _Subject) -> None:
    # More than one chunk of directions in both: `exact` takes fewer at once, without a loop.
    few, many = (_equations(subject.estimator, dim) for dim in (300, 1200))
    if few is not None and many is not None:
        require_bounded("the dimension", few, many)
    if "num_samples" in {field.name for field in dataclasses.fields(subject.estimator)}:
        few, many = (
            _equations(dataclasses.replace(subject.estimator, num_samples=number), 80) for number in (4, 16)
        )
        if few is not None and many is not None:
            require_bounded("`num_samples`", few, many)


def _equations(estimator: AbstractEstimator, dim: int) -> int | None:
    """The length of the trace of a Laplacian; None where it is refused."""
    if estimator.refuses(Laplacian(), dim) is not None:
        return None
    model = network(dim, "scalar")
    return count_equations(
        lambda x, key: estimate(Laplacian(), model, x, estimator, key=key),
        jnp.zeros(dim),
        jax.random.key(0),
    )
