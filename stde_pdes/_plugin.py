"""stde_pdes as a plugin: a hook for problems, the problems, and the commands `bench` and `solve`."""

import pluggy

import stde_core as stde

from . import _hookspecs


@stde.hookimpl
def stde_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    pluginmanager.add_hookspecs(_hookspecs)


@stde.hookimpl
def stde_problems():
    return {
        "allen-cahn-two-body": "stde_pdes.families.elliptic:allen_cahn_two_body",
        "sine-gordon-two-body": "stde_pdes.families.elliptic:sine_gordon_two_body",
        "semilinear-heat": "stde_pdes.families.parabolic:semilinear_heat",
        "kdv": "stde_pdes.families.dispersive:kdv",
        "kp": "stde_pdes.families.dispersive:kp",
    }


@stde.hookimpl
def stde_commands():
    return {"bench": "stde_pdes.bench.commands:bench", "solve": "stde_pdes.commands:solve"}
