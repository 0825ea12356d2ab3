"""The command `stde`."""

import sys
import warnings
from typing import Any

import click

from ._commands import Commands
from ._list import list_names
from ._new_plugin import new_plugin
from ._plugins import list_plugins

CONTEXT: dict[str, Any] = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


@click.group(
    cls=Commands,
    commands=[list_names, list_plugins, new_plugin],
    invoke_without_command=True,
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  stde new-plugin my-estimator    a package that works as it stands
  stde list                       everything that is installed, by kind
  stde list estimators            what can be passed to `stde.get_estimator`
  stde COMMAND --help             examples of a command
  STDE_PLUGINS="" stde list       without the plugins of other packages
""",
)
@click.version_option(package_name="stde", prog_name="stde", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Differential operators of neural networks in high dimension and high order, and PDEs with them."""
    ctx.obj = cli
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(command: click.Command = cli, name: str = "stde") -> None:
    """The console script `stde`, or another command that behaves as it does."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    try:
        command.main(prog_name=name)
    except OSError as error:
        sys.exit(f"Error: the output could not be written: {error.strerror or error}.")
