"""How far a model is from the solution, beside how far a trivial one is; and what its residuals are."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde

from ..domains import AbstractDomain
from ..problem import Problem
from .arguments import check_kinds

# Test points are evaluated in pieces of about so many numbers, and are not more than so many in all.
_PIECE = 2**22
_MOST = 2**27


class HeldOut(eqx.Module):
    """Points that training never sees, with the solution there.

    `trivial` are the values of the better, in the L2 norm, of two models that know nothing: the
    best constant, and the best constant network inside the problem's ansatz. `origin` is a point
    that is judged by itself, where the problem has one. `notes` say where the points are not those
    that were asked for.
    """

    points: Float[Array, "n inputs"]
    truth: Float[np.ndarray, "n ..."]
    trivial: Float[np.ndarray, "n ..."]
    origin: Float[Array, " inputs"] | None = None
    truth_origin: Float[np.ndarray, "..."] | None = None
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def trivial_relative_l2(self) -> float:
        """The relative L2 error of the trivial solution."""
        return _norm(self.trivial - self.truth) / _norm(self.truth)


@dataclass(frozen=True)
class Errors:
    """Relative errors `|u − u*| / |u*|` on the test points, in the L1 and the L2 norm, over all outputs.

    `outputs` are the relative L2 errors of several outputs, one by one; None for one output.
    """

    relative_l1: float
    relative_l2: float
    relative_error_origin: float | None = None
    relative_l2_outputs: dict[str, float] | None = None


def hold_out(problem: Problem, num_points: int) -> HeldOut:
    """Fixed points of the problem's test law, from a seed of their own, with the solution there.

    So many fewer points than asked for that they are not more than 2²⁷ numbers, as a note then says; where
    the problem has an array of test points, these. Raises `TypeError` for what is no problem, `ValueError`
    for one without a known solution, and for a number that is no integer ≥ 1.
    """
    check_kinds("hold_out", {"problem": (problem, Problem)})
    stde.check_count("hold_out(…, num_points)", num_points)
    if not problem.is_judged:
        raise ValueError("`hold_out(problem)` needs a problem with a `solution` or a `reference`.")
    points, notes = _test_points(problem, num_points)
    truth = _shaped("reference", problem, problem.truth(points), len(points))
    trivial = _trivial(problem, points, truth)
    if problem.origin is None:
        return HeldOut(points, truth, trivial, notes=notes)
    origin = jnp.asarray(problem.origin, points.dtype)
    truth_origin = np.asarray(problem.truth(origin[None])[0])
    if not np.any(truth_origin):
        nought = "The solution is 0 at the origin, where no relative error is measured."
        return HeldOut(points, truth, trivial, notes=(*notes, nought))
    return HeldOut(points, truth, trivial, origin, truth_origin, notes)


def _test_points(problem: Problem, asked: int) -> tuple[Float[Array, "n inputs"], tuple[str, ...]]:
    if not isinstance(problem.test_points, AbstractDomain):
        return jnp.asarray(problem.test_points, float), ()
    # Far from any number that a run folds into its keys.
    key = jax.random.fold_in(jax.random.key(2**31 - 1), 2**31 - 1)
    held = min(asked, max(1, _MOST // problem.num_inputs))
    points = drawn(problem.test_points, held, key)
    if held == asked:
        return points, ()
    size = asked * points[0].nbytes / 1e9
    return points, (
        f"Errors are measured at {held} test points: the {asked} asked for would fill {size:.0f} GB.",
    )


@eqx.filter_jit
def drawn(domain: AbstractDomain, num_points: int, key: PRNGKeyArray) -> Float[Array, "n inputs"]:
    """Points of a domain, in one compiled call."""
    return domain(num_points, key=key)


def _shaped(what: str, problem: Problem, found: np.ndarray, num_points: int) -> np.ndarray:
    """Raises `ValueError` for values that are not those of the outputs at so many points."""
    expected = (num_points, *problem.output_shape)
    if found.shape != expected:
        raise ValueError(
            f"`Problem({what})` gives shape {found.shape} at {num_points} points, expected {expected}."
        )
    return found


def values(model: stde.Model, points: Float[Array, "n inputs"]) -> Float[Array, "n ..."]:
    """The model at many points, in pieces that bound the memory."""
    piece = min(points.shape[0], _PIECE // points.shape[1])
    # One at a time is a loop of its own: batches of one would make XLA copy all points.
    return jax.lax.map(model, points, batch_size=piece if piece > 1 else None)


def measure(problem: Problem, network: stde.Model, held_out: HeldOut) -> Errors:
    """The errors of the network in the problem's ansatz."""
    truth = held_out.truth
    error = np.asarray(_values(problem, network, held_out.points), float) - truth
    at_origin, by_output = None, None
    if held_out.origin is not None and held_out.truth_origin is not None:
        found = np.asarray(_values(problem, network, held_out.origin[None])[0], float)
        at_origin = _norm(found - held_out.truth_origin) / _norm(held_out.truth_origin)
    if truth.ndim == 2:
        by_output = {
            name: _norm(error[:, i]) / max(_norm(truth[:, i]), np.finfo(float).tiny)
            for i, name in enumerate(problem.outputs)
        }
    return Errors(
        relative_l1=float(np.abs(error).sum() / np.abs(truth).sum()),
        relative_l2=_norm(error) / _norm(truth),
        relative_error_origin=at_origin,
        relative_l2_outputs=by_output,
    )


def _norm(array: np.ndarray | np.floating) -> float:
    return float(np.linalg.norm(array))


@eqx.filter_jit
def _values(problem: Problem, network: stde.Model, points: Array) -> Array:
    return values(problem.ansatz(network), points)


def _trivial(problem: Problem, points: Array, truth: np.ndarray) -> np.ndarray:
    """The better of the best constant and the best constant network; each output has its own constant."""

    def constant(value: Any) -> np.ndarray:
        network = lambda z: jnp.asarray(value, z.dtype)  # noqa: E731
        return np.asarray(_values(problem, network, points), float)

    shape = problem.output_shape
    at_zero = constant(np.zeros(shape))
    units = np.eye(truth[0].size).reshape(-1, *shape)
    columns = np.stack([constant(unit) - at_zero for unit in units], axis=-1).reshape(-1, len(units))
    candidates = np.broadcast_to(truth.mean(0), truth.shape), at_zero + _fitted(columns, truth - at_zero)
    return min(candidates, key=lambda candidate: _norm(candidate - truth))


def _fitted(columns: Float[np.ndarray, "m k"], right: np.ndarray) -> np.ndarray:
    """The combination of columns that is nearest to the right-hand side."""
    return (columns @ np.linalg.lstsq(columns, right.ravel(), rcond=None)[0]).reshape(right.shape)


@dataclass(frozen=True)
class Residuals:
    """How well a condition is met at fresh points: the sizes |r| of its residuals."""

    rms: float
    quantiles: dict[str, float]
    largest: float
    at: list[float] | None


# A point of more inputs is no use in a report.
_MOST_SHOWN = 64


def residuals(objective: Any, params: Any, num_points: int, *, key: PRNGKeyArray) -> dict[str, Residuals]:
    """The residuals of each condition of an `Objective` at fresh points of its own law."""
    sample = eqx.filter_jit(lambda: objective.draw(params, num_points, key=key))()
    found = {}
    for condition, part in zip(objective.problem.conditions, sample, strict=True):
        rows = np.asarray(eqx.filter_jit(objective.at_points)(params, condition, part), float)
        sizes, points = np.linalg.norm(rows, axis=1), np.asarray(part.points, float)
        found[condition.name] = Residuals(
            rms=float(np.sqrt(np.mean(sizes**2))),
            quantiles={str(q): float(np.percentile(sizes, q)) for q in (50, 90, 99)},
            largest=float(sizes.max()),
            at=points[sizes.argmax()].tolist() if points.shape[1] <= _MOST_SHOWN else None,
        )
    return found
