"""A group of its own commands and those of plugins."""

import contextlib

import click

from stde_core.checks import unknown_name
from stde_core.plugins import Entry, registry

from ._sentences import OneSentence


class Commands(OneSentence):
    """Its own commands and those of plugins, each of these imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = registry()
        return sorted({*self.commands, *found.names("commands"), *found.clashes("commands")})

    def shadowed(self) -> list[Entry]:
        """What plugins add under the names of its own commands, which come first."""
        added = registry().entries.get("commands", {})
        return [entry for name in self.commands for entry in added.get(name, [])]

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
