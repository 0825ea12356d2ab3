"""stde_pdes as a plugin: its hooks, what it adds by them, and its commands."""

import pluggy

import stde_core as stde

from . import _hookspecs


@stde.hookimpl
def stde_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    pluginmanager.add_hookspecs(_hookspecs)


@stde.hookimpl
def stde_problems():
    return {
        "poisson-two-body": "stde_pdes.problems.elliptic:poisson_two_body",
        "allen-cahn-two-body": "stde_pdes.problems.elliptic:allen_cahn_two_body",
        "sine-gordon-two-body": "stde_pdes.problems.elliptic:sine_gordon_two_body",
        "poisson-three-body": "stde_pdes.problems.elliptic:poisson_three_body",
        "allen-cahn-three-body": "stde_pdes.problems.elliptic:allen_cahn_three_body",
        "sine-gordon-three-body": "stde_pdes.problems.elliptic:sine_gordon_three_body",
        "biharmonic": "stde_pdes.problems.elliptic:biharmonic",
        "semilinear-heat": "stde_pdes.problems.parabolic:semilinear_heat",
        "sine-gordon-parabolic": "stde_pdes.problems.parabolic:sine_gordon_parabolic",
        "allen-cahn-parabolic": "stde_pdes.problems.allen_cahn_parabolic:allen_cahn_parabolic",
        "hjb-lin": "stde_pdes.problems.control:hjb_lin",
        "hjb-lqg": "stde_pdes.problems.control:hjb_lqg",
        "black-scholes-barenblatt": "stde_pdes.problems.finance:black_scholes_barenblatt",
        "wave": "stde_pdes.problems.wave:wave",
        "kdv": "stde_pdes.problems.dispersive:kdv",
        "g-kdv": "stde_pdes.problems.dispersive:g_kdv",
        "kdv-2d": "stde_pdes.problems.dispersive:kdv_2d",
        "kp": "stde_pdes.problems.dispersive:kp",
        "kuramoto-sivashinsky": "stde_pdes.problems.periodic:kuramoto_sivashinsky",
    }


@stde.hookimpl
def stde_networks():
    return {
        "mlp": "stde_pdes.networks:MLP",
        "block-shared": "stde_pdes.networks:BlockShared",
        "residual": "stde_pdes.networks:Residual",
        "fourier": "stde_pdes.networks:Fourier",
        "modified-mlp": "stde_pdes.networks:ModifiedMLP",
        "siren": "stde_pdes.networks:Siren",
    }


@stde.hookimpl
def stde_stages():
    return {
        "adam": "stde_pdes.optimisers:Adam",
        "gauss-newton": "stde_pdes.optimisers:GaussNewton",
        "lbfgs": "stde_pdes.optimisers:LBFGS",
    }


@stde.hookimpl
def stde_weightings():
    return {
        "causal": "stde_pdes.weighting:Causal",
        "gradient-norm": "stde_pdes.weighting:GradientNorm",
        "self-adaptive": "stde_pdes.weighting:SelfAdaptive",
    }


@stde.hookimpl
def stde_commands():
    return {
        "bench": "stde_pdes.cli.bench:bench",
        "evaluate": "stde_pdes.cli.evaluate:evaluate",
        "report": "stde_pdes.cli.report:report",
        "solve": "stde_pdes.cli.solve:solve",
    }
