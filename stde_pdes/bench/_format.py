"""How numbers are shown: never with an exponent where a reader would rather not have one."""


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
