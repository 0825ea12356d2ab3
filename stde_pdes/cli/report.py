"""The command `stde report`."""

from pathlib import Path

import click

from ..report.page import write_report


@click.command(
    epilog="""\b
Examples:
  stde report runs/kdv-20260101-120000            writes runs/kdv-20260101-120000/report.html
  stde report kdv-run && xdg-open kdv-run/report.html
"""
)
@click.argument("directory", metavar="DIR")
def report(directory: str) -> None:
    """Write DIR/report.html, the page of a run that `stde solve` made in DIR.

    Equation, settings, curves, solution, errors beside those of a trivial solution and of an affine
    network, and cost, in one file that needs no other and no connection. Of a run that has not
    finished it shows what there is. `stde solve` writes it at its end by itself.
    """
    try:
        click.echo(write_report(Path(directory)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
