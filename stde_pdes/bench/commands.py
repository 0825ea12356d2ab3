"""The commands `stde bench step` and `stde bench operators`."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import click

from stde_core._suggest import unknown_name

from ._methods import METHODS
from ._operators import operators as measure_operators
from ._progress import EventDisplay
from ._report import Report
from ._step import step as measure_step
from ._table import print_report
from ._workloads import WORKLOADS


class _Group(click.Group):
    """Names a close command where one does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in self.commands:
            raise click.UsageError(unknown_name("command", args[0], self.commands))
        return super().resolve_command(ctx, args)


class _Listed(click.ParamType):
    """Values separated by commas."""

    name = "list"

    def __init__(self, convert: Callable[[str], Any], what: str):
        self.convert_one, self.what = convert, what

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.convert_one(part.strip()) for part in value.split(","))
        except ValueError:
            option = param.opts[0] if param else "the list"
            raise click.UsageError(
                f"`{option}` needs {self.what} separated by commas, got {value!r}."
            ) from None


_NAMES, _INTEGERS = _Listed(str, "names"), _Listed(int, "integers")


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of how to measure, and of what to do with the numbers."""
    options = [
        click.option("--repeats", default=3, show_default=True, help="Processes per method."),
        click.option("--seconds", default=3.0, show_default=True, help="Timed calls per process."),
        click.option(
            "--memory-limit", type=float, metavar="GB", help="Per process.  [default: 0.9 of the machine's]"
        ),
        click.option("--time-limit", default=600.0, show_default=True, help="Seconds per process."),
        click.option("--seed", default=0, show_default=True, help="Of network, points and tangents."),
        click.option("--reference", default="stde", show_default=True, help="The method of the ratios."),
        click.option("--out", metavar="DIR", help="A directory for numbers, table and picture."),
        click.option("--json", "as_json", is_flag=True, help="Print one line of JSON on stdout."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=_Group,
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


def _list(entries: dict[str, str]) -> str:
    width = max(map(len, entries)) + 2
    return "\n".join(f"  {name:<{width}}{text}" for name, text in entries.items())


@bench.command(
    epilog=f"""\b
Methods:
{_list({name: method.summary for name, method in METHODS.items()})}

\b
Examples:
  stde bench step                                          all methods that can, in 100 and 1000 dimensions
  stde bench step --dims 100000 --methods stde,stde-jet --memory-limit 12
  stde bench step --problem allen-cahn-two-body --shared-tangents --out results
  stde bench step --dims 5 --num-samples 2 --repeats 1 --seconds 0.1 --json
"""
)
@click.option(
    "--problem", default="sine-gordon-two-body", show_default=True, help="See `stde list problems`."
)
@click.option("--dims", type=_INTEGERS, default="100,1000", show_default=True, help="Space dimensions.")
@click.option("--methods", type=_NAMES, metavar="NAMES", help="Those to compare.  [default: all that can]")
@click.option("--num-samples", default=16, show_default=True, help="Sampled dimensions per point.")
@click.option("--batch", default=100, show_default=True, help="Points per step.")
@click.option("--width", default=128, show_default=True, help="Units of a hidden layer.")
@click.option("--depth", default=3, show_default=True, help="Hidden layers.")
@click.option("--shared-tangents/--per-point-tangents", default=False, help="[default: per point]")
@_common
def step(as_json: bool, **options: Any) -> None:
    """Measure one training step.

    Fresh points, right-hand side, tangents, loss, gradient and an update by Adam. All methods in
    JAX get the same network, points and tangents, and call the same right-hand side, so that
    their losses agree.
    """
    _run(measure_step, as_json, options)


@bench.command(
    epilog=f"""\b
Workloads and methods:
{_list({name: f"{w.summary}: {', '.join(w.methods)}" for name, w in WORKLOADS.items()})}

\b
Examples:
  stde bench operators --workloads kdv-2d --sizes base,L=8,L=16,h=512
  stde bench operators --workloads laplacian --dims 10,100 --methods folx,stde
  stde bench operators --workloads kp,g-kdv --sizes base --out results
  stde bench operators --workloads biharmonic --dims 5 --batch 8 --repeats 1 --json
"""
)
@click.option("--workloads", type=_NAMES, metavar="NAMES", help="What to measure.  [default: all]")
@click.option("--sizes", type=_NAMES, help="base (4×128), L=LAYERS, h=WIDTH.  [default: the workload's]")
@click.option("--methods", type=_NAMES, metavar="NAMES", help="Those to compare.  [default: all]")
@click.option("--dims", type=_INTEGERS, help="For laplacian and biharmonic.  [default: 10,100 and 100]")
@click.option("--batch", type=int, help="Points.  [default: 1000; laplacian and biharmonic 100]")
@_common
def operators(as_json: bool, **options: Any) -> None:
    """Measure loss and gradient of differential operators.

    The loss is the mean squared residual on a fixed batch of points, the gradient that in all
    parameters of the network.
    """
    _run(measure_operators, as_json, options)


def _run(measure: Callable[..., Report], as_json: bool, options: dict[str, Any]) -> None:
    try:
        with EventDisplay() as display:
            report = measure(**options, report=display.report)
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report)))
    else:
        print_report(report)
