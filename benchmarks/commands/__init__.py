"""The command `python -m benchmarks`: each of its subcommands is a module here."""

import click
from stde_cli import CONTEXT

from ._accuracy import accuracy
from ._group import Group
from ._operators import operators
from ._samples import samples
from ._step import step


@click.group(
    cls=Group,
    commands=[step, operators, accuracy, samples],
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  python -m benchmarks step --dims 100                a training step, methods side by side
  python -m benchmarks operators --workloads kdv-2d   loss and gradient of an operator of high order
  python -m benchmarks accuracy --problems kdv        the errors that `stde solve` reaches
  python -m benchmarks samples --dim 100              how many random directions to take
  python -m benchmarks step --help                    the methods, and more examples
""",
)
def bench() -> None:
    """Measure speed, memory and accuracy, side by side.

    Every measurement is made in a process of its own. In `step` and `operators` the methods
    alternate, and medians and ratios are of one run; `accuracy` and `samples` train whole runs, keep
    each that has ended, and go on from there. What runs out of memory or time is a row that says so.
    """
