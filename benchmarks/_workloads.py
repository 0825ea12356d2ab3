"""What `python -m benchmarks operators` measures: workloads, and the methods of each."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde
from stde_core import contractions

from ._equations import EQUATIONS, Equation
from ._networks import RESIDUAL
from .baselines import nested_reverse, published_jets
from .baselines.contracting import Contracting, stde_jet
from .baselines.laplacians import folx_laplacian, nested_laplacian

Residual: TypeAlias = Callable[[stde.Model, stde.Point, PRNGKeyArray], Float[Array, " k"]]

_SAMPLES = 16


@dataclass(frozen=True)
class Method:
    """A way to compute the residual at one point; `note` says what is special about it."""

    residual: Residual
    note: str = ""
    needs: str | None = None

    @property
    def refuses(self) -> str | None:
        """Why it cannot be used here, if so."""
        if self.needs is None or importlib.util.find_spec(self.needs):
            return None
        return f'needs {self.needs}: `pip install "stde[{self.needs}]"`'


@dataclass(frozen=True)
class Workload:
    """A residual whose mean square and gradient are computed on a batch of points.

    - `dims`: numbers of inputs; a choice where it has more than one, or `any_dim`.
    - `sizes`: of the networks.
    """

    summary: str
    methods: Mapping[str, Method]
    dims: tuple[int, ...]
    sizes: tuple[str, ...]
    batch: int
    any_dim: bool = False


def _high_order(name: str, summary: str, methods: Mapping[str, Method]) -> Workload:
    sizes = ("base", "L=8", "L=16", "h=256", "h=512", "h=1024")
    return Workload(summary, methods, (EQUATIONS[name].inputs,), sizes, batch=1000)


def _one_by_one(
    name: str, derivatives: Callable[[stde.Model, stde.Point], dict[str, Array]], note: str = ""
) -> Method:
    """A method that gives every derivative of an equation by itself."""
    equation = EQUATIONS[name]
    return Method(lambda u, x, key: equation.residual(equation.merge(derivatives(u, x))), note)


def _ours(equation: Equation) -> Method:
    def residual(u: stde.Model, x: stde.Point, key: PRNGKeyArray) -> Array:
        exact = stde.get_estimator("exact")
        estimate = stde.estimate(equation.operators, u, x, exact, standard_error=False)
        return equation.residual(estimate.value | {"u": estimate.primal})

    return Method(residual)


def _wrong(jets: str, readings: int) -> str:
    return f"{len(published_jets.WRONG[jets])} of {readings} readings wrong, as published"


def _single(operator: stde.AbstractOperator, estimator: Callable[[], stde.AbstractEstimator]) -> Method:
    def residual(u: stde.Model, x: stde.Point, key: PRNGKeyArray) -> Array:
        return stde.estimate(operator, u, x, estimator(), key=key, standard_error=False).value[None]

    return Method(residual)


def _laplacian(
    function: Callable[[stde.Model, stde.Point], tuple[Array, Array]], needs: str | None
) -> Method:
    return Method(lambda u, x, key: jnp.asarray(function(u, x)[1])[None], needs=needs)


def _contracting(contract: contractions.Contraction) -> Callable[[], stde.AbstractEstimator]:
    return lambda: Contracting(contract, _SAMPLES, stde.Gaussian())


WORKLOADS: Mapping[str, Workload] = {
    "kdv-2d": _high_order(
        "kdv-2d",
        "u_ty + u_xxxy + 3(u_y u_x)_x − u_xx + 2u_yy",
        {
            "nested-reverse": _one_by_one("kdv-2d", nested_reverse.kdv_2d),
            "stde-jet": _one_by_one("kdv-2d", published_jets.kdv_2d_13_jet, _wrong("kdv_2d_13_jet", 7)),
            "stde-jet*": _one_by_one("kdv-2d", published_jets.kdv_2d_9_jet, _wrong("kdv_2d_9_jet", 7)),
            "stde": _ours(EQUATIONS["kdv-2d"]),
        },
    ),
    "kp": _high_order(
        "kp",
        "(u_t + 6uu_x + u_xxx)_x + 3u_yy",
        {
            "nested-reverse": _one_by_one("kp", nested_reverse.kp),
            "stde-jet": _one_by_one("kp", published_jets.kp_jets),
            "stde": _ours(EQUATIONS["kp"]),
        },
    ),
    "g-kdv": _high_order(
        "g-kdv",
        "u_t + uu_x + αu_xxx and its gradient",
        {
            "nested-reverse": _one_by_one("g-kdv", nested_reverse.g_kdv),
            "stde-jet": _one_by_one("g-kdv", published_jets.g_kdv_jets),
            "stde": _ours(EQUATIONS["g-kdv"]),
        },
    ),
    "laplacian": Workload(
        "Δu, exact",
        {
            "nested": _laplacian(nested_laplacian, None),
            "folx": _laplacian(folx_laplacian, "folx"),
            "stde": _single(stde.Laplacian(), lambda: stde.get_estimator("exact")),
        },
        dims=(10, 100),
        sizes=("base", RESIDUAL),
        batch=100,
        any_dim=True,
    ),
    "biharmonic": Workload(
        "Δ²u from 16 Gaussian tangents",
        {
            "nested-forward": _single(stde.Biharmonic(), _contracting(contractions.nested)),
            "stde-jet": _single(stde.Biharmonic(), _contracting(stde_jet)),
            "stde": _single(
                stde.Biharmonic(),
                lambda: stde.get_estimator("stde", num_samples=_SAMPLES, sampler=stde.Gaussian()),
            ),
        },
        dims=(100,),
        sizes=("base",),
        batch=100,
        any_dim=True,
    ),
}
