"""Checks of arguments, and what their messages are made of.

A message is one sentence, which names the call or the field: ``"`Sparse(num_samples=…)` needs an
integer ≥ 1, got 0."`` is what `check_count("Sparse(num_samples=…)", 0)` raises.
"""

import difflib
from collections.abc import Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_MOST = 2**31 - 1  # what indices and seeds can hold
_LONGEST = 200  # characters of what was given, in a message


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


def in_short(value: Any) -> str:
    """What was given, in one line of bounded length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@contextmanager
def noted(sentence: str) -> Iterator[None]:
    """Adds a sentence, as a note, to what somebody else's function raises inside of the `with` block."""
    try:
        yield
    except Exception as error:
        if sentence not in getattr(error, "__notes__", ()):
            error.add_note(sentence)
        raise


def unknown_name(what: str, name: str, valid: Iterable[str]) -> str:
    """The sentence for a name that is none of `valid`: those that are close to it, or else all of them.

    `unknown_name("problem", "alen-cahn", names)` is `"Unknown problem 'alen-cahn'; did you mean …?"`.
    """
    names, asked = sorted(valid), name.casefold()
    by_folded = {n.casefold(): n for n in names}
    close = [by_folded[n] for n in difflib.get_close_matches(asked, by_folded, n=3, cutoff=0.5)]
    close += [n for n in names if asked and n.casefold().startswith(asked) and n not in close]
    if close:
        return f"Unknown {what} {name!r}; did you mean {_either(close)}?"
    return f"Unknown {what} {name!r}; known are: {', '.join(names) or 'none'}."


def _either(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
