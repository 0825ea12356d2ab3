"""Checks that many constructors make."""

from collections.abc import Collection
from typing import Any

_MOST = 2**31 - 1  # what indices and seeds can hold


def as_int(value: Any) -> Any:
    """NumPy's and JAX's integers as Python's; anything else as it is, for a check to refuse."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return value
    return value.__index__()


def check_count(call: str, value: Any, *, least: int = 1, most: int = _MOST) -> None:
    """Raises `ValueError` unless `value` is an integer from `least` to `most`; `call` names the field."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"`{call}` needs an integer ≥ {least}, got {value!r}.")
    if value > most:
        raise ValueError(f"`{call}` needs an integer ≤ {most}, got {value!r}.")


def check_choice(call: str, value: Any, choices: Collection[Any]) -> None:
    """Raises `ValueError` unless `value` is one of `choices`."""
    if value not in choices:
        raise ValueError(f"`{call}` needs to be one of {', '.join(map(str, choices))}, got {value!r}.")
