"""How numbers are shown: never with an exponent where a reader would rather not have one."""

from typing import Any

OLDER = "†: made by older sources of stde; `--again` makes it anew."


def number(value: float | None, digits: int = 3) -> str:
    """Rounded to so many digits, whole where it is longer; a dash for nothing."""
    if value is None:
        return "–"
    short = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in short and abs(value) < 1e7 else short


def ratio(value: float | None) -> str:
    """A factor."""
    return "–" if value is None else f"{value:.2f}×"


def processes(repeats: int) -> str:
    """What the numbers come from."""
    return "one process per method" if repeats == 1 else f"medians over {repeats} processes per method"


def error(value: float | None, digits: int = 2) -> str:
    """A relative error, as 3.0e-3; a dash for nothing."""
    if value is None:
        return "–"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if int(exponent) else mantissa


def mark(older: bool) -> str:
    """What follows a result that older sources made; `OLDER` explains it."""
    return " †" if older else ""


def cores(environment: dict[str, Any]) -> str:
    """How many of them there were."""
    return "1 core" if environment["cpus"] == 1 else f"{environment['cpus']} cores"


def machine(environment: dict[str, Any], *more: str) -> str:
    """What was measured on and with, in one line."""
    found = environment
    precision = f"{found['precision']} (matrix products {found['matmul_precision']})"
    versions = [f"Python {found['python']}", *(f"{name} {v}" for name, v in found["versions"].items())]
    return ", ".join([found["date"], found["device"], cores(found), precision, *more, *versions])
