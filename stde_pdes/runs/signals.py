"""Ctrl-C and SIGTERM, answered between two chunks of steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """A run that was asked to stop; `signal` is how."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = number


class Stop:
    """Whether a run was asked to stop.

    While `patient`, the first request only sets `requested`, and a second one raises `Stopped`;
    otherwise the first one does.
    """

    def __init__(self, announce: Callable[[str], None]):
        self.announce = announce
        self.patient = False
        self.requested: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.patient or self.requested is not None:
            raise Stopped(number)
        self.requested = number
        self.announce("stopping after these steps, with a checkpoint (once more to stop at once)")


@contextmanager
def stoppable(announce: Callable[[str], None]) -> Iterator[Stop]:
    """Answers SIGINT and SIGTERM by a `Stop`, where this is the thread that gets them."""
    stop = Stop(announce)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
