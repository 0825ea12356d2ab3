from pathlib import Path

import click

from ._package import KINDS, Package


@click.command(
    epilog="""\b
Examples:
  stde new-plugin my-estimator               a package that works as it stands
  stde new-plugin my-pde --kind problem      one with a PDE, for `stde solve my-pde`
"""
)
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="estimator", show_default=True, help="What it adds."
)
def new_plugin(name: str, kind: str) -> None:
    """Write a package that adds to stde, to begin your own from.

    A new directory NAME gets a pyproject.toml with the entry point, one module, one test that uses
    `stde_core.testing`, and a README. NAME is that of the distribution, and of what it adds.
    """
    try:
        package = Package(name, kind)
        files = package.write(Path.cwd())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"Wrote {name}/: {', '.join(files)}.")
    click.echo(f"Next: cd {name} && pip install -e . && pytest && stde list {kind}s")
