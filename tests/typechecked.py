"""beartype, as `--jaxtyping-packages` calls it: what is defined again, as in a loop, is checked as before.

jaxtyping asks for the checks of an empty function that has the signature of the one to check. They take
0.8 ms to make, and inner functions of the engine are defined thousands of times in a test.
"""

from collections.abc import Callable
from typing import Any

from beartype import beartype

_CHECKS: dict[Any, Callable] = {}


def typechecked(function: Callable) -> Callable:
    place = (function.__module__, function.__qualname__, *function.__annotations__.items())
    if place not in _CHECKS:
        _CHECKS[place] = beartype(function)
    return _CHECKS[place]
