"""The command `stde`: what is installed, and the commands that plugins add."""

import contextlib
import dataclasses
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import _listing
from ._discovery import Plugin, how_to_switch_off
from ._plugins import Registry, registry
from ._suggest import unknown_name


class OneSentence(click.Group):
    """Tells an error of the user in one sentence, and ends with status 2."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_sentence():
            return super().invoke(ctx)


class Commands(OneSentence):
    """The core's own commands and those of plugins, each imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = registry()
        return sorted({*self.commands, *found.names("commands"), *found.clashes("commands")})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name not in self.list_commands(ctx):
            return None
        try:
            command = registry().entry("commands", cmd_name).load()
        except (ValueError, ImportError) as error:
            raise click.UsageError(str(error)) from error
        if not isinstance(command, click.Command):
            raise click.UsageError(f"Command {cmd_name!r} must be a `click.Command`, got {command!r}.")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            raise click.UsageError(unknown_name("command", name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help(ctx, name, limit)) for name in names])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first example of every plugin's command, then the group's own."""
        firsts = [self._first_example(ctx, name) for name in self.list_commands(ctx)]
        _, _, own = (self.epilog or "").partition("Examples:\n")
        formatter.write("\n  Examples:\n")
        examples = [line.strip().partition("  ") for line in filter(None, [*firsts, *own.splitlines()])]
        width = max((len(command) for command, _, _ in examples), default=0) + 2
        for command, _, meaning in examples:
            formatter.write(f"    {command:<{width}}{meaning.strip()}\n")

    def _first_example(self, ctx: click.Context, name: str) -> str | None:
        with contextlib.suppress(click.UsageError):
            epilog = getattr(self.get_command(ctx, name), "epilog", None) or ""
            _, found, examples = epilog.partition("Examples:\n")
            return examples.splitlines()[0] if found and name not in self.commands else None
        return None

    def _help(self, ctx: click.Context, name: str, limit: int) -> str:
        try:
            command = self.get_command(ctx, name)
        except click.UsageError as error:
            return f"FAILED: {error.message}"
        return command.get_short_help_str(limit) if command else ""


def printable(text: str) -> str:
    """A text in one line, without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))


@contextlib.contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Errors of the user are told without the lines on usage, and end with status 2."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.ClickException as error:
        error.exit_code = 2  # pyright: ignore[reportAttributeAccessIssue]
        error.message = printable(error.message)  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(error, click.UsageError):
            error.ctx = None
        raise


CONTEXT: dict[str, Any] = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings=CONTEXT,
    epilog="""\b
Examples:
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
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@cli.command(
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
    kinds = _listing.kinds(registry())
    if kind is not None and kind not in kinds:
        raise click.UsageError(unknown_name("kind", kind, kinds))
    listed = {k: _listing.rows(registry(), k) for k in ([kind] if kind else kinds)}
    if as_json:
        _print_json({k: [_as_dict(row) for row in rows] for k, rows in listed.items()})
        return
    for position, (k, rows) in enumerate(listed.items()):
        if position:
            click.echo()
        table = [[row.name, row.plugin, _status(row.error, row.summary)] for row in rows]
        _print_table([k, "plugin", "what it is"], table)


@cli.command(
    "plugins",
    epilog="""\b
Examples:
  stde plugins                              every plugin, with the cause where one failed
  STDE_PLUGINS="" stde plugins              only what comes with stde
  STDE_PLUGINS=mine,other stde plugins      these entry points or distributions, and what comes with stde
  stde plugins --json                       {"plugins": [{"name": ..., "error": null, ...}, ...], ...}
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def list_plugins(as_json: bool) -> None:
    """List the plugins and what each adds.

    Each with its distribution and version, and the cause where it failed.

    The environment variable STDE_PLUGINS says which are loaded: a list of entry points or
    distributions, separated by commas. Without it all are loaded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table tells of the failures
        found = registry()
    if as_json:
        _print_json(_plugins_as_dict(found))
        return
    header = ["plugin", "distribution", "version", "adds"]
    table = [[p.name, p.distribution, p.version, _status(p.error, _additions(p.adds))] for p in found.plugins]
    table += [[p.name, p.distribution, p.version, "switched off by STDE_PLUGINS"] for p in found.switched_off]
    _print_table(header, table)
    cures = [
        f"Plugin {p.title} failed: {how_to_switch_off(p, found.plugins)}." for p in found.plugins if p.error
    ]
    for sentence in [*cures, *_remarks(found)]:
        click.echo(f"\n{sentence}")


def _plugins_as_dict(found: Registry) -> dict[str, Any]:
    def identity(plugin: Plugin) -> dict[str, Any]:
        return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}

    return {
        "plugins": [identity(p) | {"adds": p.adds, "error": p.error} for p in found.plugins],
        "switched_off": [identity(p) for p in found.switched_off],
        "remarks": [*found.failures(), *_remarks(found)],
    }


def _remarks(found: Registry) -> list[str]:
    """What is odd though no plugin failed."""
    unmatched = [
        f"STDE_PLUGINS names {name!r}, but no installed plugin or distribution is called that."
        for name in found.unmatched
    ]
    hidden = [
        f"Command {name!r} of plugin {entry.plugin.title} is hidden by the one of stde itself."
        for name in cli.commands
        for entry in found.entries.get("commands", {}).get(name, [])
    ]
    return unmatched + hidden


def _additions(adds: dict[str, list[str]]) -> str:
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in adds.items() if names) or "nothing"


def _as_dict(row: _listing.Row) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(row).items() if value is not None}


def _status(error: str | None, otherwise: str) -> Text | str:
    return Text(f"FAILED: {error}", style="red") if error else otherwise


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def _print_table(header: list[str], rows: list[list[Text | str]]) -> None:
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
