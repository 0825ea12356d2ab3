"""Running the clauses of a contract, and saying which of them broke."""

from collections.abc import Callable, Iterable
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
            breaks = f"`{call}` breaks the clause '{clause.__name__.replace('_', ' ')}'"
            try:
                clause(subject)
            except AssertionError as error:
                raise AssertionError(f"{breaks}: {error}") from error
            except Exception as error:
                raise AssertionError(f"{breaks}: it raised {_brief(error)}") from error


def _brief(error: Exception) -> str:
    text = describe(error)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def require(condition: Any, sentence: str) -> None:
    """Raises `AssertionError` with the sentence unless the condition holds."""
    if not condition:
        raise AssertionError(sentence)


def require_near(
    what: str, actual: Any, expected: Any, *, rtol: float = 1e-8, atol: float = 1e-9, why: str = "expected"
) -> None:
    """Raises `AssertionError` unless arrays have one shape and agree up to rounding."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    require(
        actual.shape == expected.shape, f"{what} has shape {actual.shape}, {why} has shape {expected.shape}."
    )
    allowed = atol + rtol * np.abs(expected)
    _require_within(what, actual, expected, allowed, lambda a, _: f"is {a:.9g}", why)


def require_mean(what: str, samples: Any, expected: Any) -> None:
    """The mean over the first axis is what is expected, within five of its standard errors."""
    samples = np.asarray(samples)
    error = np.std(samples, axis=0, ddof=1) / samples.shape[0] ** 0.5
    allowed = _DEVIATIONS * error + 1e-9 * (1 + np.abs(expected))
    _require_within(
        f"{what}: the mean of {samples.shape[0]} of them",
        samples.mean(0),
        expected,
        allowed,
        lambda mean, at: f"is {mean:.6g} ± {error[at]:.2g}",
        "expected",
    )


def require_variance(what: str, samples: Any, reported: Any) -> None:
    """The spread over the first axis is what is reported, within five standard errors of the difference."""
    samples, reported = np.asarray(samples), np.asarray(reported)
    squares = np.abs(samples - samples.mean(0)) ** 2
    noise = (np.var(squares, axis=0) + np.var(reported, axis=0)) / samples.shape[0]
    variance = squares.mean(0)
    _require_within(
        f"{what}: the squared standard error, in the mean,",
        reported.mean(0),
        variance,
        _DEVIATIONS * np.sqrt(noise) + 0.01 * variance + 1e-18,
        lambda mean, _: f"is {mean:.6g}",
        f"the variance of {samples.shape[0]} estimates",
    )


def _require_within(
    what: str, actual: Any, expected: Any, allowed: Any, describe: Callable[[Any, Any], str], why: str
) -> None:
    """The entry that is furthest out, relative to what is allowed, tells of all."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    excess = np.abs(actual - expected) / allowed
    excess = np.where(np.isnan(excess), np.inf, excess)
    if excess.size and excess.max() > 1:
        at = np.unravel_index(np.argmax(excess), excess.shape)
        where = f" at {list(map(int, at))}" if at else ""
        raise AssertionError(f"{what} {describe(actual[at], at)}{where}, {why} is {expected[at]:.9g}.")


def require_sentence(what: str, text: Any) -> None:
    """Words that say something: some of them, in one line."""
    is_sentence = isinstance(text, str) and len(text.split()) >= 3 and "\n" not in text.strip()
    require(is_sentence, f"{what} needs to be a sentence, got {text!r}.")
