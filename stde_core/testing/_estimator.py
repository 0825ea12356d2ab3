"""What an estimator promises."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from .._operators import AbstractOperator
from .._plan import AbstractEstimator
from ..checks import check_count
from ._clauses import dtypes, moments, refusals, round_trip, standard_error, trace, transforms
from ._contract import jit, require, require_near, require_sentence, run_clauses
from ._subject import Subject, cast, operators_of_all_kinds

# The model's outputs, as many as a divergence that can be sampled needs.
_OUT = 3


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

    def subject() -> Subject:
        tested, asked = cast(estimator, float), operators_of_all_kinds(dim, _OUT)
        return Subject(tested, "estimate", tested, asked, dim, _OUT, key)

    clauses = [refusals, round_trip, shapes, unbiased, standard_error, keys, dtypes, transforms, trace]
    run_clauses(f"check_estimator({type(estimator).__name__}(…))", clauses, subject)


def shapes(subject: Subject) -> None:
    found = subject.estimates
    require_near("the primal", found.primal[0], subject.model(subject.x), why="u(x)")
    asked = jax.tree.structure(subject.exact)
    for what, tree in {"value": found.value, "standard_error": found.standard_error}.items():
        same = jax.tree.structure(tree) == asked
        require(same, f"`{what}` has the tree {jax.tree.structure(tree)}, that of the operators is {asked}.")
        for name, expected in subject.exact.items():
            shape = tree[name].shape[1:]
            require(shape == expected.shape, f"`{what}` of {name} has shape {shape}, not {expected.shape}.")
    without = _shapes(subject, subject.operators, subject.keys[0], standard_error=False)
    require(without.standard_error is None, "`standard_error` is not None where it is not asked for.")


def _shapes(subject: Subject, operators: Any, key: Array | None, **how: Any) -> Any:
    return eqx.filter_eval_shape(lambda: subject.estimate(operators, subject.model, subject.x, key, **how))


def unbiased(subject: Subject) -> None:
    moments(subject)
    for name, errors in subject.estimates.standard_error.items():
        if np.all(errors == 0):
            value = subject.estimates.value[name][0]
            require_near(f"{name}, given without error,", value, subject.exact[name])


def keys(subject: Subject) -> None:
    sampled, rest = {}, {}
    for name, values in subject.estimates.value.items():
        require_near(f"the value of {name} for the same key", values[-1], values[0], why="the first time it")
        spread = np.abs(values - values[0]) / (1 + np.abs(values[0]))
        (rest if np.all(spread < 1e-9) else sampled)[name] = subject.operators[name]
    if rest:
        found = jit(lambda: subject.estimate(rest, subject.model, subject.x, None).value)()
        for name, value in found.items():
            require_near(f"the value of {name} without a key", value, subject.estimates.value[name][0])
    for name, operator in sampled.items():
        _require_refusal(subject, name, operator)


def _require_refusal(subject: Subject, name: str, operator: AbstractOperator) -> None:
    """What is sampled asks for a key."""
    try:
        _shapes(subject, operator, None)
    except ValueError as error:
        require("key" in str(error), f"without a key {name} is refused, but not for that: {error}")
        require_sentence("what is said of a missing key", str(error))
    else:
        raise AssertionError(f"without a key {name} gives a value, though it is sampled.")
