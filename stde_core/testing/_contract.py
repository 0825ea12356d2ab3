"""Running the clauses of a contract, and what clauses are made of."""

from collections.abc import Callable, Iterable
from textwrap import shorten
from typing import Any

import jax
import numpy as np

from ..plugins import describe

# A normal variable is further from its mean once in two million times.
_DEVIATIONS = 5.0
# Of what else is raised so many characters are told; the cause of the error has them all.
_LONGEST = 300


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """`jax.jit` without the optimisations that make compilation the larger part of a check's time."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def run_clauses(call: str, clauses: Iterable[Callable[[Any], None]], make_subject: Callable[[], Any]) -> None:
    """Calls each clause with the subject, in float64 and with full precision of products.

    Raises `AssertionError` that names `call` and the first clause that broke; what a clause raises
    beside that is told as its cause.
    """
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        subject = make_subject()
        for clause in clauses:
            try:
                clause(subject)
            except Exception as error:
                name, said = clause.__name__.replace("_", " "), str(error)
                if not isinstance(error, AssertionError):
                    said = f"it raised {shorten(describe(error), _LONGEST, placeholder=' …')}"
                raise AssertionError(f"`{call}` breaks the clause '{name}': {said}") from error


def require(condition: Any, sentence: str) -> None:
    """Raises `AssertionError` with the sentence unless the condition holds."""
    if not condition:
        raise AssertionError(sentence)


def require_sentence(what: str, text: Any) -> None:
    """Words that say something: some of them, in one line."""
    is_sentence = isinstance(text, str) and len(text.split()) >= 3 and "\n" not in text.strip()
    require(is_sentence, f"{what} needs to be a sentence, got {text!r}.")


def require_near(
    what: str, actual: Any, expected: Any, *, rtol: float = 1e-8, atol: float = 1e-9, why: str = "expected"
) -> None:
    """Raises `AssertionError` unless arrays have one shape and agree up to rounding."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    shapes = f"{what} has shape {actual.shape}, {why} has shape {expected.shape}."
    require(actual.shape == expected.shape, shapes)
    allowed = atol + rtol * np.abs(expected)
    _require_within(what, actual, expected, allowed, lambda at: f"{actual[at]:.9g}", why)


def require_mean(what: str, samples: np.ndarray, expected: Any) -> None:
    """The mean over the first axis is what is expected, within five of its standard errors."""
    mean, error = samples.mean(0), np.std(samples, axis=0, ddof=1) / len(samples) ** 0.5
    allowed = _DEVIATIONS * error + 1e-9 * (1 + np.abs(expected))
    what = f"{what}: the mean of {len(samples)} of them"
    _require_within(what, mean, expected, allowed, lambda at: f"{mean[at]:.6g} ± {error[at]:.2g}", "expected")


def require_variance(what: str, samples: np.ndarray, reported: np.ndarray) -> None:
    """The spread over the first axis is what is reported, within five standard errors of the difference."""
    n, squares = len(samples), np.abs(samples - samples.mean(0)) ** 2
    found, variance = reported.mean(0), squares.mean(0)
    noise = (np.var(squares, axis=0) + np.var(reported, axis=0)) / n
    allowed = _DEVIATIONS * np.sqrt(noise) + 0.01 * variance + 1e-18
    what, why = f"{what}: the squared standard error, in the mean,", f"the variance of {n} estimates"
    _require_within(what, found, variance, allowed, lambda at: f"{found[at]:.6g}", why)


def _require_within(what: str, actual: Any, expected: Any, allowed: Any, show: Any, why: str) -> None:
    """The entry that is furthest out, relative to what is allowed, tells of all; `show(place)` writes it."""
    excess = np.asarray(np.abs(actual - expected) / allowed)
    excess = np.where(np.isnan(excess), np.inf, excess)
    if excess.size and excess.max() > 1:
        at = np.unravel_index(np.argmax(excess), excess.shape)
        where = f" at {list(map(int, at))}" if at else ""
        raise AssertionError(f"{what} is {show(at)}{where}, {why} is {expected[at]:.9g}.")
