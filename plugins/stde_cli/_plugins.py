"""The command `stde plugins`."""

import warnings
from typing import Any

import click

from stde_core.plugins import Plugin, Registry, how_to_switch_off, registry

from ._commands import Commands
from ._output import print_json, print_table, status


@click.command(
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
@click.pass_obj
def list_plugins(group: Commands, as_json: bool) -> None:
    """List the plugins and what each adds.

    Each with its distribution and version, and the cause where it failed.

    The environment variable STDE_PLUGINS says which are loaded: a list of entry points or
    distributions, separated by commas. Without it all are loaded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table tells of the failures
        found = registry()
    remarks = _remarks(found, group)
    if as_json:
        print_json(_as_dict(found, remarks))
        return
    header = ["plugin", "distribution", "version", "adds"]
    table = [[p.name, p.distribution, p.version, status(p.error, _additions(p.adds))] for p in found.plugins]
    table += [[p.name, p.distribution, p.version, "switched off by STDE_PLUGINS"] for p in found.switched_off]
    print_table(header, table)
    cures = [
        f"Plugin {p.title} failed: {how_to_switch_off(p, found.plugins)}." for p in found.plugins if p.error
    ]
    for sentence in [*cures, *remarks]:
        click.echo(f"\n{sentence}")


def _as_dict(found: Registry, remarks: list[str]) -> dict[str, Any]:
    def identity(plugin: Plugin) -> dict[str, Any]:
        return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}

    return {
        "plugins": [identity(p) | {"adds": p.adds, "error": p.error} for p in found.plugins],
        "switched_off": [identity(p) for p in found.switched_off],
        "remarks": [*found.failures(), *remarks],
    }


def _remarks(found: Registry, group: Commands) -> list[str]:
    """What is odd though no plugin failed."""
    unmatched = [
        f"STDE_PLUGINS names {name!r}, but no installed plugin or distribution is called that."
        for name in found.unmatched
    ]
    hidden = [
        f"Command {entry.name!r} of plugin {entry.plugin.title} is hidden by the one of stde itself."
        for entry in group.shadowed()
    ]
    return unmatched + hidden


def _additions(adds: dict[str, list[str]]) -> str:
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in adds.items() if names) or "nothing"
