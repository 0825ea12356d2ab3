"""What the subcommands share: options, lists of names, and what to do with an answer."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import click

from .._progress import EventDisplay


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


NAMES, INTEGERS = _Listed(str, "names"), _Listed(int, "integers")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON on stdout.")


def timed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of how to time methods, and of what to do with the numbers."""
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
        _JSON,
    ]
    return _with(options, command)


def resumable(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a bench of whole runs, which goes on where it was."""
    options = [
        click.option("--time-limit", default=1800.0, show_default=True, help="Seconds per run."),
        click.option("--again", is_flag=True, help="Run also what is in DIR already."),
        click.option("--finished", is_flag=True, help="Run nothing: the table of what is in DIR already."),
        _JSON,
    ]
    return _with(options, command)


def _with(options: list[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def listed(entries: dict[str, str]) -> str:
    """Names and what they mean, a line each, for a help text."""
    width = max(map(len, entries)) + 2
    return "\n".join(f"  {name:<{width}}{text}" for name, text in entries.items())


def run(
    measure: Callable[..., Any], show: Callable[[Any], None], as_json: bool, options: dict[str, Any]
) -> None:
    """Measures, with progress on stderr, and prints the answer as a table or as JSON."""
    try:
        with EventDisplay() as display:
            report = measure(**options, report=display.report)
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report)))
    else:
        show(report)


def run_resumable(
    measure: Callable[..., Any], show: Callable[[Any], None], as_json: bool, options: dict[str, Any]
) -> None:
    """`run`, which says where to go on when it is interrupted."""
    try:
        run(measure, show, as_json, options)
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted; the runs that had ended are in {options['out']}, and the same command goes on "
            "from there.",
            err=True,
        )
        raise
