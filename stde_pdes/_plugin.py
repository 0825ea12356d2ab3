"""stde_pdes as a plugin: a hook for problems, the problems themselves, and the command `solve`."""

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
        "semilinear-heat": "stde_pdes.families.parabolic:semilinear_heat",
        "kdv": "stde_pdes.families.dispersive:kdv",
        "kp": "stde_pdes.families.dispersive:kp",
    }


@stde.hookimpl
def stde_commands():
    return {"solve": "stde_pdes.commands:solve"}
