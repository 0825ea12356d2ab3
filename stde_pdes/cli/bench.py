"""The command `stde bench`, which says where the benchmarks are."""

import click

_MOVED = (
    "Benchmarks live in the repository and are run by `python -m benchmarks` in a checkout; "
    "`python -m benchmarks --help` shows how."
)


@click.command(
    help=_MOVED,
    short_help="Moved: `python -m benchmarks` in a checkout.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    raise click.UsageError(_MOVED)
