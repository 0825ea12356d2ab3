"""The core's own operators and samplers, registered like anyone's."""

from .. import _operators, _samplers
from ._hookspecs import hookimpl


@hookimpl
def stde_operators():
    return {
        "laplacian": _operators.Laplacian,
        "weighted-laplacian": _operators.WeightedLaplacian,
        "power-sum": _operators.PowerSum,
        "biharmonic": _operators.Biharmonic,
        "divergence": _operators.Divergence,
        "gradient": _operators.Gradient,
        "directional": _operators.Directional,
        "partial": _operators.Partial,
    }


@hookimpl
def stde_samplers():
    return {
        "sparse": _samplers.Sparse,
        "rademacher": _samplers.Rademacher,
        "gaussian": _samplers.Gaussian,
        "sphere": _samplers.Sphere,
    }
