"""What a bench is doing, on stderr: a live bar on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ._schedule import Event


class EventDisplay:
    """Shows which process runs, and a line for each that has ended."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr, highlight=False, markup=False)
        self.bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("building the problems", total=None)

    def __enter__(self) -> "EventDisplay":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def report(self, event: Event) -> None:
        """Takes up one event."""
        self.bar.update(
            self.task,
            total=event.total,
            completed=event.position - (event.ended is None),
            description=event.what,
        )
        if event.ended is not None:
            line = f"{event.position}/{event.total}  {event.what}: {event.ended}"
            self.console.print(line, soft_wrap=True)
