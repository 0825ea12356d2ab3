"""The command `stde bench`: each of its subcommands is a module here."""

import click

from ._group import Group
from ._operators import operators
from ._step import step


@click.group(
    cls=Group,
    commands=[step, operators],
    epilog="""\b
Examples:
  stde bench step --dims 100                a training step, methods side by side
  stde bench operators --workloads kdv-2d   loss and gradient of an operator of high order
  stde bench step --help                    the methods, and more examples
""",
)
def bench() -> None:
    """Measure speed and memory of methods, side by side.

    Every measurement is made in a process of its own; the methods alternate, and medians and
    ratios are of one run. A method that runs out of memory or time is a row that says so.
    """
