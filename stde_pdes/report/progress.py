"""Progress of a run on stderr: a live bar on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ..training import Errors, Progress


class ProgressDisplay:
    """Shows loss, error, speed and time left while a run goes on."""

    def __init__(self, steps: int):
        self.steps = steps
        console = Console(file=sys.stderr, highlight=False)
        self.live = console.is_terminal
        self.bar = Bar(
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not self.live,
        )
        self.task = self.bar.add_task("", total=steps, state="")
        self.errors: Errors | None = None

    def __enter__(self) -> "ProgressDisplay":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def announce(self, text: str) -> None:
        """One line for what happens outside the steps."""
        if self.live:
            self.bar.console.print(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def report(self, progress: Progress) -> None:
        """Takes up the progress of training."""
        self.errors = progress.errors or self.errors
        error = f"  error {self.errors.relative_l2:.2e}" if self.errors else ""
        state = f"loss {progress.loss:.2e}{error}  {progress.steps_per_second:.0f} steps/s"
        self.bar.update(self.task, completed=progress.step, state=state)
        if not self.live and progress.errors:
            left = (self.steps - progress.step) / progress.steps_per_second
            self.announce(f"step {progress.step}/{self.steps}  {state}  {left:.0f} s left")
