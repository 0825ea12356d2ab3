"""What the commands print: JSON for programs, tables for people."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def status(error: str | None, otherwise: str) -> Text | str:
    """A cell of a table: the cause of a failure, in red, or what there is to say otherwise."""
    return Text(f"FAILED: {error}", style="red") if error else otherwise


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def print_table(header: list[str], rows: list[list[Text | str]]) -> None:
    """A table as wide as the terminal; into a pipe, one line a row."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in header:
        table.add_column(title, no_wrap=title != header[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
