"""Checks that several problems, networks and optimisers make."""

from numbers import Real
from typing import Any

from stde_core.checks import in_short


def is_number(value: Any) -> bool:
    """Whether it is a real number, which True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_positive(field: str, value: Any) -> None:
    """Raises `ValueError` unless `value` is a positive, finite number; `field` names it."""
    if not (is_number(value) and 0 < value < float("inf")):
        raise ValueError(f"`{field}` needs to be a positive number, got {in_short(value)}.")


def check_least(field: str, value: Any, least: int) -> None:
    """Raises `ValueError` unless `value` is a finite number ≥ `least`; `field` names it."""
    if not (is_number(value) and least <= value < float("inf")):
        raise ValueError(f"`{field}` needs to be a number ≥ {least}, got {in_short(value)}.")


def check_part(field: str, value: Any, kind: type) -> None:
    """Raises `TypeError` unless `value` is of a kind or None; `field` names it."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"`{field}` needs a `{kind.__name__}(…)` or None, got {in_short(value)}.")
