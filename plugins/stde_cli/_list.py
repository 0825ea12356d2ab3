"""The command `stde list`."""

import dataclasses
from typing import Any

import click

from stde_core.checks import unknown_name
from stde_core.plugins import registry

from . import _rows
from ._output import print_json, print_table, status


@click.command(
    "list",
    epilog="""\b
Examples:
  stde list                       operators, samplers, estimators and what else plugins add
  stde list operators             one kind only
  stde list estimators --json     {"estimators": [{"name": ..., "plugin": ..., "summary": ...}, ...]}
""",
)
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def list_names(kind: str | None, as_json: bool) -> None:
    """List what is installed, by kind.

    KIND is operators, samplers, estimators or one that a plugin adds; all of them by default. A
    name that cannot be used is listed with the cause.
    """
    kinds = _rows.kinds(registry())
    if kind is not None and kind not in kinds:
        raise click.UsageError(unknown_name("kind", kind, kinds))
    listed = {k: _rows.rows(registry(), k) for k in ([kind] if kind else kinds)}
    if as_json:
        print_json({k: [_as_dict(row) for row in rows] for k, rows in listed.items()})
        return
    for position, (k, rows) in enumerate(listed.items()):
        if position:
            click.echo()
        table = [[row.name, row.plugin, status(row.error, row.summary)] for row in rows]
        print_table([k, "plugin", "what it is"], table)


def _as_dict(row: _rows.Row) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(row).items() if value is not None}
