"""What a plan is about to do, for whoever listens: `explain` does, while it traces an estimator."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_listener: ContextVar[Callable[..., None] | None] = ContextVar("stde_listener", default=None)


def tell(*told: Any) -> None:
    """Passes on what a plan does; nothing where nobody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(*told)


@contextmanager
def listening(listener: Callable[..., None]) -> Iterator[None]:
    """Calls `listener` with what is told inside of the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
