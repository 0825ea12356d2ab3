"""Progress of a run on stderr: a live bar on a terminal or in a notebook, plain lines elsewhere."""

import importlib.util
import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ..training import Errors, Progress

_LINES = 20


class ProgressDisplay:
    """Shows stage, loss, error, speed and time left while a run goes on."""

    def __init__(self, steps: int):
        self.steps = steps
        console = Console(file=sys.stderr, highlight=False)
        # In a notebook rich draws the bar by ipywidgets, and without them nothing but a warning.
        notebook = console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
        self.live = console.is_terminal or notebook
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
        self.told = 0

    def __enter__(self) -> "ProgressDisplay":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.refresh()  # which in a notebook does not come with the end
        self.bar.stop()

    def announce(self, text: str) -> None:
        """One line for what happens outside the steps."""
        if self.live:
            self.bar.console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def report(self, progress: Progress) -> None:
        """Takes up the progress of training."""
        self.errors = progress.errors or self.errors
        error = f"  error {self.errors.relative_l2:.2e}" if self.errors else ""
        state = f"{progress.stage}  loss {progress.loss:.2e}{error}  {progress.steps_per_second:.0f} steps/s"
        self.bar.update(self.task, completed=progress.step, state=state)
        # Where there is no reference, no error says when a line is due.
        reached = progress.step * _LINES // self.steps
        due = progress.errors or (self.errors is None and reached > self.told)
        if not self.live and due:
            self.told = reached
            left = (self.steps - progress.step) / progress.steps_per_second
            self.announce(f"step {progress.step}/{self.steps}  {state}  {left:.0f} s left")
