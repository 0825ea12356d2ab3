"""From values to places in a picture, and where the ticks are."""

import math
from collections.abc import Iterable

from ._words import number

_LEAST, _MOST = 1e-300, 1e300


def drawable(value: float) -> bool:
    """Whether a logarithmic axis can show the value."""
    return _LEAST <= value <= _MOST


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Decimal logarithms of the ends of an axis that shows all of these values."""
    logs = [math.log10(value) for value in values]
    low, high = min(logs, default=0.0), max(logs, default=0.0)
    margin = max(0.05 * (high - low), 0.05)
    return low - margin, high + margin


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Places on a logarithmic axis, as decimal logarithms, with their labels."""
    decades = range(math.ceil(low), math.floor(high) + 1)
    if len(decades) > 2:
        thinned = decades[:: math.ceil(len(decades) / 6)]
        return [(float(decade), "1" if decade == 0 else f"10{_superscript(decade)}") for decade in thinned]
    values = [factor * 10.0**d for d in range(math.floor(low), math.ceil(high)) for factor in (1, 2, 5, 10)]
    inside = sorted({value for value in values if low <= math.log10(value) <= high})
    if len(inside) < 3:
        inside = [value for value in ticks(10**low, 10**high) if low <= math.log10(value) <= high]
    return [(math.log10(value), number(value)) for value in inside]


def ticks(low: int | float, high: int | float, count: int = 4) -> list[float]:
    """About `count` round numbers from `low` to `high`."""
    rough = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10, 20) if unit * factor >= rough)
    first = math.ceil(low / step)
    return [(first + i) * step for i in range(count + 2) if (first + i) * step <= high]


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
