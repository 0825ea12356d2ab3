"""Checks that many constructors and calls make."""

from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_MOST = 2**31 - 1  # what indices and seeds can hold


_LONGEST = 200  # characters of what was given, in a message


def in_short(value: Any) -> str:
    """What was given, in one line of bounded length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def as_int(value: Any) -> Any:
    """NumPy's and JAX's integers as Python's; anything else as it is, for a check to refuse."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or np.ndim(value) > 0:
        return value
    return value.__index__()


def check_count(call: str, value: Any, *, least: int = 1, most: int = _MOST) -> None:
    """Raises `ValueError` unless `value` is an integer from `least` to `most`; `call` names the field."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"`{call}` needs an integer ≥ {least}, got {in_short(value)}.")
    if value > most:
        raise ValueError(f"`{call}` needs an integer ≤ {most}, got {in_short(value)}.")


def check_choice(call: str, value: Any, choices: Collection[Any]) -> None:
    """Raises `ValueError` unless `value` is one of `choices`."""
    if not isinstance(value, Hashable) or value not in choices:
        raise ValueError(
            f"`{call}` needs to be one of {', '.join(map(str, choices))}, got {in_short(value)}."
        )


def check_flag(call: str, value: Any) -> None:
    """Raises `TypeError` unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"`{call}` needs True or False, got {in_short(value)}.")


def check_key(call: str, key: Any) -> None:
    """Raises `TypeError` or `ValueError` unless `key` is one key, of either kind that JAX has."""
    typed = isinstance(key, jax.Array | np.ndarray) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not typed and not (isinstance(key, jax.Array | np.ndarray) and key.dtype == jnp.uint32):
        raise TypeError(f"`{call}` needs `jax.random.key(…)`, got {in_short(key)}.")
    if jnp.ndim(key) != (0 if typed else 1):
        raise ValueError(
            f"`{call}` takes one key, got shape {jnp.shape(key)}; map over several with `jax.vmap`."
        )
    if not typed and key.shape != (shape := jax.eval_shape(lambda: jax.random.PRNGKey(0)).shape):
        raise ValueError(f"`{call}` takes a key of shape {shape}, got {key.shape}; use `jax.random.key(…)`.")


@contextmanager
def noted(sentence: str) -> Iterator[None]:
    """Adds a sentence to what somebody else's function raises, which stays what it is."""
    try:
        yield
    except Exception as error:
        if sentence not in getattr(error, "__notes__", ()):
            error.add_note(sentence)
        raise
