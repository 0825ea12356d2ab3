"""`python -m benchmarks operators`: loss and gradient of operators, methods side by side."""

import functools
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import click
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde
from stde_core import contractions
from stde_pdes import MLP
from stde_pdes import Residual as ResidualNet

from . import rows
from .baselines import derivatives as others
from .baselines.derivatives import Contracting, folx_laplacian, nested_laplacian, stde_jet
from .options import COUNT, COUNTS, NAMES, listed, timed
from .runner import Question, Work, choose

Names: TypeAlias = tuple[str, ...] | None
Terms: TypeAlias = dict[str, Array]
Residual: TypeAlias = Callable[[Terms], Float[Array, " k"]]  # squared and summed
AtPoint: TypeAlias = Callable[[stde.Model, stde.Point, PRNGKeyArray], Float[Array, " k"]]

_SAMPLES = 16
CASES: Mapping[str, Any] = rows.CASES["operators"]

# --- three equations of high order, at points (x, y, t) or (x, t)

_ALPHA, _WEIGHT = 0.0025, 1e-3


def kdv_2d(d: Terms) -> Array:
    linear = d["linear"] if "linear" in d else d["u_ty"] + d["u_xxxy"] + 2 * d["u_yy"]
    return (linear + 3 * (d["u_xy"] * d["u_x"] + d["u_y"] * d["u_xx"]) - d["u_xx"])[None]


def kp(d: Terms) -> Array:
    linear = d["linear"] if "linear" in d else d["u_tx"] + d["u_xxxx"] + 3 * d["u_yy"]
    return (linear + 6 * (d["u_x"] ** 2 + d["u"] * d["u_xx"]))[None]


def g_kdv(d: Terms) -> Array:
    """r = u_t + u u_x + α u_xxx, and the gradient of r, the square root of its weight before it."""
    linear = d["linear"] if "linear" in d else d["u_tt"] + _ALPHA * d["u_xxxt"]
    r = d["u_t"] + d["u"] * d["u_x"] + _ALPHA * d["u_xxx"]
    r_x = d["u_tx"] + _ALPHA * d["u_xxxx"] + d["u_x"] ** 2 + d["u"] * d["u_xx"]
    r_t = linear + d["u_t"] * d["u_x"] + d["u"] * d["u_tx"]
    return jnp.stack([r, _WEIGHT**0.5 * r_x, _WEIGHT**0.5 * r_t])


def _operators(residual: Residual) -> dict[str, stde.AbstractOperator]:
    """What a method is asked for that can take a sum of derivatives, `linear`, as one operator."""
    if residual is g_kdv:
        x, t = stde.partials(2)
        pure = {"u_x": x, "u_xx": x**2, "u_xxx": x**3, "u_xxxx": x**4}
        return pure | {"u_t": t, "u_tx": t * x, "linear": t**2 + _ALPHA * (x**3 * t)}
    x, y, t = stde.partials(3)
    if residual is kp:
        return {"u_x": x, "u_xx": x**2, "linear": t * x + x**4 + 3 * y**2}
    return {"u_x": x, "u_y": y, "u_xx": x**2, "u_xy": x * y, "linear": t * y + x**3 * y + 2 * y**2}


# --- methods


@dataclass(frozen=True)
class Method:
    """A way to compute the residual at one point; `note` says what is special about it."""

    residual: AtPoint
    note: str = ""
    needs: str | None = None


def _one_by_one(residual: Residual, derivatives: Callable[[stde.Model, stde.Point], Terms]) -> Method:
    """A method that gives every derivative of an equation by itself, with a note on what it reads wrongly."""
    wrong = others.WRONG.get(derivatives.__name__, ())
    note = f"{len(wrong)} of 7 readings wrong, as published" if wrong else ""  # of kdv_2d alone
    return Method(lambda u, x, key: residual(derivatives(u, x)), note)


def _ours(residual: Residual) -> Method:
    def at_point(u: stde.Model, x: stde.Point, key: PRNGKeyArray) -> Array:
        exact = stde.get_estimator("exact")
        estimate = stde.estimate(_operators(residual), u, x, exact, standard_error=False)
        return residual(estimate.value | {"u": estimate.primal})

    return Method(at_point)


def _single(
    operator: stde.AbstractOperator, estimator: stde.AbstractEstimator | str, **fields: Any
) -> Method:
    def residual(u: stde.Model, x: stde.Point, key: PRNGKeyArray) -> Array:
        built = stde.get_estimator(estimator, **fields) if isinstance(estimator, str) else estimator
        return stde.estimate(operator, u, x, built, key=key, standard_error=False).value[None]

    return Method(residual)


def _laplacian(
    function: Callable[[stde.Model, stde.Point], tuple[Array, Array]], needs: str | None = None
) -> Method:
    return Method(lambda u, x, key: jnp.asarray(function(u, x)[1])[None], needs=needs)


_GAUSSIAN = stde.Gaussian()
_BIHARMONIC = functools.partial(_single, stde.Biharmonic())
METHODS: Mapping[str, Mapping[str, Method]] = {
    "kdv-2d": {
        "nested-reverse": _one_by_one(kdv_2d, others.kdv_2d_reverse),
        "stde-jet": _one_by_one(kdv_2d, others.kdv_2d_13_jet),
        "stde-jet*": _one_by_one(kdv_2d, others.kdv_2d_9_jet),
        "stde": _ours(kdv_2d),
    },
    "kp": {
        "nested-reverse": _one_by_one(kp, others.kp_reverse),
        "stde-jet": _one_by_one(kp, others.kp_jets),
        "stde": _ours(kp),
    },
    "g-kdv": {
        "nested-reverse": _one_by_one(g_kdv, others.g_kdv_reverse),
        "stde-jet": _one_by_one(g_kdv, others.g_kdv_jets),
        "stde": _ours(g_kdv),
    },
    "laplacian": {
        "nested": _laplacian(nested_laplacian),
        "folx": _laplacian(folx_laplacian, "folx"),
        "stde": _single(stde.Laplacian(), "exact"),
    },
    "biharmonic": {
        "nested-forward": _BIHARMONIC(Contracting(contractions.nested, _SAMPLES, _GAUSSIAN)),
        "stde-jet": _BIHARMONIC(Contracting(stde_jet, _SAMPLES, _GAUSSIAN)),
        "stde": _BIHARMONIC("stde", num_samples=_SAMPLES, sampler=_GAUSSIAN),
    },
}

# --- networks

_SIZE = re.compile(r"(L|h)=([1-9]\d{0,4})")


def shape(size: str) -> tuple[int, int]:
    """Layers, counted with the output, and width of a size: "base", "residual-8", "L=…" or "h=…".

    Raises `ValueError` for any other.
    """
    found = _SIZE.fullmatch(size)
    if found is None and size not in ("base", "residual-8"):
        raise ValueError(
            f"`sizes` needs base, residual-8, L=NUMBER of layers or h=WIDTH, got {size!r}; for instance L=8."
        )
    if found is None:
        return (4 if size == "base" else 8), 128
    return (int(found[2]), 128) if found[1] == "L" else (4, int(found[2]))


def network(size: str, inputs: int, *, key: PRNGKeyArray) -> stde.Model:
    """The network of that size, with a scalar output: a tanh MLP, or a residual net with layer norms."""
    layers, width = shape(size)
    blueprint = ResidualNet(width, layers - 2, norm=True) if size == "residual-8" else MLP(width, layers - 1)
    return blueprint(inputs, key=key)


# --- what is measured


def refusal(task: dict[str, Any]) -> str | None:
    """Why a task cannot be done, if so."""
    needs = METHODS[task["workload"]][task["method"]].needs
    return (
        None
        if needs is None or importlib.util.find_spec(needs)
        else f'needs {needs}: `pip install "stde[{needs}]"`'
    )


def work(task: dict[str, Any]) -> Work:
    """Mean squared residual on fixed points, and its gradient in all parameters of the network."""
    residual, batch = METHODS[task["workload"]][task["method"]].residual, task["batch"]
    network_key, points_key, tangents_key = jax.random.split(jax.random.key(task["seed"]), 3)
    model = network(task["network"].split()[0], task["inputs"], key=network_key)
    points = jax.random.uniform(points_key, (batch, task["inputs"]), minval=-1.0)
    params, static = eqx.partition(model, eqx.is_inexact_array)

    def loss(params: Any, step: Array, points: Array) -> Array:
        u = eqx.combine(params, static)
        keys = jax.random.split(jax.random.fold_in(tangents_key, step), batch)
        residuals = jax.vmap(lambda x, key: residual(u, x, key))(points, keys)
        return jnp.mean(jnp.sum(residuals**2, axis=1))

    def loss_and_gradient(params: Any, step: Array, points: Array) -> tuple[Any, Array]:
        value, gradient = jax.value_and_grad(loss)(params, step, points)
        return gradient, value

    return Work(loss_and_gradient, params, (points,))


_LISTED = listed(
    {name: f"{CASES[name]['summary']}: {', '.join(methods)}" for name, methods in METHODS.items()}
)


@click.command(epilog=rows.CASES["help"]["operators"].format(_LISTED))
@click.option("--workloads", type=NAMES, metavar="NAMES", help="What to measure.  [default: all]")
@click.option("--sizes", type=NAMES, help="base (4×128), L=LAYERS, h=WIDTH.  [default: the workload's]")
@click.option("--methods", type=NAMES, metavar="NAMES", help="Those to compare.  [default: all]")
@click.option("--dims", type=COUNTS, help="For laplacian and biharmonic.  [default: 10,100 and 100]")
@click.option("--batch", type=COUNT, help="Points.  [default: 1000; laplacian and biharmonic 100]")
@timed
def operators(
    workloads: Names, sizes: Names, methods: Names, dims: Any, batch: int | None, seed: int
) -> Question:
    """Measure loss and gradient of differential operators.

    The loss is the mean squared residual on a fixed batch of points, the gradient that in all parameters of
    the network.
    """
    names = choose("workload", workloads, METHODS)
    known = dict.fromkeys(method for of_one in METHODS.values() for method in of_one)
    chosen = choose("method", methods, known)

    def case(name: str, inputs: int, size: str) -> list[dict[str, Any]]:
        layers, width = shape(size)
        network = size if size.startswith("residual") else f"{size} ({layers}×{width})"
        about = {"workload": name, "inputs": inputs, "network": network, "seed": seed}
        about["batch"] = batch or CASES[name]["batch"]
        notes = {method: entry.note for method, entry in METHODS[name].items() if method in chosen}
        return [about | {"method": method, "note": note} for method, note in notes.items()]

    cases = [
        case(name, inputs, size)
        for name in names
        for inputs in (dims if dims and "any" in CASES[name] else CASES[name]["inputs"])
        for size in sizes or CASES[name]["sizes"]
    ]
    if not any(cases):
        raise ValueError(f"No workload of {', '.join(names)} has a method among {', '.join(chosen)}.")
    settings = {"workloads": {name: CASES[name]["summary"] for name in names}, "batch": batch, "seed": seed}
    title = "Mean squared residual and its gradient in the parameters"
    return Question(title, settings, cases, known, methods is not None)
