"""`python -m benchmarks`, from the root of a checkout."""

import click
from stde_cli import CONTEXT, OneSentence, main

from stde_core.checks import unknown_name

from .operators import operators
from .rows import CASES
from .step import step
from .sweep import accuracy, samples


class _Group(OneSentence):
    """Names a close command where one does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in self.commands:
            raise click.UsageError(unknown_name("command", args[0], self.commands))
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group,
    commands=[step, operators, accuracy, samples],
    context_settings={**CONTEXT, "show_default": True},
    epilog=CASES["help"]["bench"],
)
def bench() -> None:
    """Measure speed, memory and accuracy, side by side.

    Every measurement is made in a process of its own, and is a line of JSON of its own. In `step` and
    `operators` the methods alternate, and ratios are of medians within one call; `accuracy` and `samples`
    train whole runs, keep each that has ended, and go on from there. What runs out of memory or time is a row
    that says so.
    """


if __name__ == "__main__":
    main(bench, "python -m benchmarks")
