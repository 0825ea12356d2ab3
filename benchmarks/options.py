"""What the commands share: options, lists of names and numbers, and what becomes of rows."""

import functools
import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from .rows import Row
from .runner import Question, compare


class _Listed(click.ParamType):
    """Values separated by commas."""

    name = "list"

    def __init__(self, one: click.ParamType):
        self.one = one

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(dict.fromkeys(self.one.convert(str(part).strip(), param, ctx) for part in parts))


COUNT, POSITIVE = click.IntRange(min=1), click.FloatRange(min=0, min_open=True)
COUNTS, NAMES = _Listed(COUNT), _Listed(click.STRING)
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, help="Of network, points and tangents.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the rows on stdout, a line of JSON each.")
_TIMED = [
    click.option("--repeats", type=COUNT, default=3, help="Processes per method."),
    click.option("--seconds", type=POSITIVE, default=3.0, help="Timed calls per process."),
    click.option("--memory-limit", type=POSITIVE, help="GB per process.  [default: 0.9 of the machine's]"),
    click.option("--time-limit", type=POSITIVE, default=600.0, help="Seconds per process."),
    SEED,
    click.option("--reference", default="stde", help="The method of the ratios."),
    click.option("--out", metavar="DIR", help="A directory for rows, table and picture."),
    JSON,
]


def with_options(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Adds options to a command, in their order."""
    return lambda command: functools.reduce(lambda done, option: option(done), reversed(options), command)


def timed(question: Callable[..., Question]) -> Callable[..., None]:
    """A command that measures what a function asks, by the options of how to time methods."""

    def command(as_json: bool, out: str | None, reference: str, **asked: Any) -> None:
        budget = {name: asked.pop(name) for name in ("repeats", "seconds", "memory_limit", "time_limit")}
        show(lambda: compare(question.__name__, question(**asked), budget, reference, out), as_json, out)

    return with_options(_TIMED)(functools.update_wrapper(command, question))


def listed(entries: Mapping[str, str]) -> str:
    """Names and what they mean, a line each, for a help text."""
    width = max(map(len, entries)) + 2
    return "\n".join(f"  {name:<{width}}{text}" for name, text in entries.items())


def show(measure: Callable[[], list[Row]], as_json: bool, out: str | None, page: Path | None = None) -> None:
    """Measures, prints the page, or the rows as JSON, and writes page and picture into `out`."""
    for package in ("pandas", "tabulate"):
        if importlib.util.find_spec(package) is None:
            raise click.UsageError(f'`python -m benchmarks` needs {package}: `pip install -e ".[bench]"`.')
    try:
        rows = measure()
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        click.echo("Interrupted; what had ended is in the directory of `--out`.", err=True)
        raise
    from . import tables  # which imports pandas and matplotlib

    text = tables.page(rows)
    if page is not None:
        page.write_text(text, encoding="utf-8")
    if out is not None:
        place = Path(out, rows[0]["study"])
        place.with_suffix(".md").write_text(text, encoding="utf-8")
        tables.draw(rows, place.with_suffix(".png"))
    click.echo(
        "\n".join(json.dumps(row, ensure_ascii=False, default=repr) for row in rows) if as_json else text
    )
