"""stde_pdes as a plugin: hooks for problems, networks and loggers, what is ours, and commands."""

import pluggy

import stde_core as stde

from . import _hookspecs


@stde.hookimpl
def stde_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    pluginmanager.add_hookspecs(_hookspecs)


@stde.hookimpl
def stde_problems():
    return {
        "poisson-two-body": "stde_pdes.families.elliptic:poisson_two_body",
        "allen-cahn-two-body": "stde_pdes.families.elliptic:allen_cahn_two_body",
        "sine-gordon-two-body": "stde_pdes.families.elliptic:sine_gordon_two_body",
        "poisson-three-body": "stde_pdes.families.elliptic:poisson_three_body",
        "allen-cahn-three-body": "stde_pdes.families.elliptic:allen_cahn_three_body",
        "sine-gordon-three-body": "stde_pdes.families.elliptic:sine_gordon_three_body",
        "biharmonic": "stde_pdes.families.biharmonic:biharmonic",
        "semilinear-heat": "stde_pdes.families.parabolic:semilinear_heat",
        "sine-gordon-parabolic": "stde_pdes.families.parabolic:sine_gordon_parabolic",
        "allen-cahn-parabolic": "stde_pdes.families.allen_cahn_parabolic:AllenCahnParabolic",
        "hjb-lin": "stde_pdes.families.control:hjb_lin",
        "hjb-lqg": "stde_pdes.families.control:hjb_lqg",
        "black-scholes-barenblatt": "stde_pdes.families.finance:black_scholes_barenblatt",
        "wave": "stde_pdes.families.wave:wave",
        "kdv": "stde_pdes.families.kdv:kdv",
        "g-kdv": "stde_pdes.families.kdv:g_kdv",
        "kdv-2d": "stde_pdes.families.kdv_2d:kdv_2d",
        "kp": "stde_pdes.families.kp:kp",
        "kuramoto-sivashinsky": "stde_pdes.families.kuramoto_sivashinsky:kuramoto_sivashinsky",
    }


@stde.hookimpl
def stde_networks():
    return {
        "mlp": "stde_pdes.models:MLP",
        "block-shared": "stde_pdes.models:BlockShared",
        "residual": "stde_pdes.models:Residual",
        "fourier": "stde_pdes.models:Fourier",
    }


@stde.hookimpl
def stde_commands():
    return {
        "bench": "stde_pdes.commands.bench:bench",
        "evaluate": "stde_pdes.commands.evaluate:evaluate",
        "report": "stde_pdes.report.command:report",
        "solve": "stde_pdes.commands.solve:solve",
    }
