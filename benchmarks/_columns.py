"""Columns of text as a table: on a terminal, and in Markdown."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

Columns: TypeAlias = Mapping[str, Sequence[str]]


def in_markdown(columns: Columns) -> str:
    """A Markdown table; numbers are set to the right."""
    rule = ["---:" if _are_numbers(title, cells) else "---" for title, cells in columns.items()]
    lines = [list(columns), rule, *zip(*columns.values(), strict=True)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def print_page(heading: str, columns: Columns, remarks: str) -> None:
    """Prints a table between two texts to stdout; into a pipe, one line a row."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, cells in columns.items():
        justify = "right" if _are_numbers(title, cells) else "left"
        table.add_column(title, justify=justify, no_wrap=title != "remarks")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    for line in [*heading.splitlines(), "", *captured.get().splitlines(), "", *remarks.splitlines()]:
        console.print(line.rstrip(), soft_wrap=True)


def _are_numbers(title: str, cells: Sequence[str]) -> bool:
    return title != "remarks" and all(cell[:1].isdigit() or cell[:1] in "–-" for cell in cells)
