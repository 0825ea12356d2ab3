"""Checks that several problems make."""


def check_positive(field: str, value: float) -> None:
    """Raises `ValueError` unless `value` is a positive, finite number; `field` names it."""
    if not 0 < value < float("inf"):
        raise ValueError(f"`{field}` needs to be a positive number, got {value!r}.")
