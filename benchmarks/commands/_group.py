import click
from stde_cli import OneSentence

from stde_core.checks import unknown_name


class Group(OneSentence):
    """Names a close command where one does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in self.commands:
            raise click.UsageError(unknown_name("command", args[0], self.commands))
        return super().resolve_command(ctx, args)
