"""Checks that many constructors make."""

from typing import Any


def check_count(call: str, value: Any, *, least: int = 1) -> None:
    """Raises `ValueError` unless `value` is an integer of at least `least`; `call` names the field."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"`{call}` needs an integer ≥ {least}, got {value!r}.")
