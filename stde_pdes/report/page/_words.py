"""Numbers, durations and settings as people read them."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

_DEEPEST = 4


def number(value: int | float) -> str:
    """Three digits, as 1.28e-3 where it is small or large; integers in full."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-2 <= abs(value) < 1e5:
        short = f"{value:.3g}"
        return number(round(value)) if "e" in short else short
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: float) -> str:
    """As 6.2 s, 4 min 7 s or 2 h 3 min."""
    if not math.isfinite(seconds):
        return f"{seconds:g} s"
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def setting(value: Any) -> str:
    """A value as the command line takes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(setting(part) if not isinstance(part, list | dict) else "…" for part in value)
    return "…" if isinstance(value, dict) else str(value)


def settings(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values, those of parts with dotted names."""
    for name, value in fields.items():
        if isinstance(value, dict) and value and prefix.count(".") < _DEEPEST:
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting(value)
