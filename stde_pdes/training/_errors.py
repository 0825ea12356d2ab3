"""How far a model is from the solution, beside how far a trivial one is."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde

from .._held_out import HeldOut
from .._problem import AbstractProblem
from ..domains import AbstractDomain
from ._arguments import check_kinds

# Test points are evaluated in pieces of about so many numbers, and are not more than so many in all.
_PIECE = 2**22
_MOST = 2**27


@dataclass(frozen=True)
class Errors:
    """Relative errors `|u − u*| / |u*|` on the test points, in the L1 and the L2 norm."""

    relative_l1: float
    relative_l2: float
    relative_error_origin: float | None = None


def hold_out(problem: AbstractProblem, num_points: int) -> HeldOut:
    """Fixed points of the training law, from a seed of their own, with the solution there.

    So many fewer points than asked for that they are not more than 2²⁷ numbers, as a note then says.
    Raises `TypeError` for what is no problem, `ValueError` for a number that is no integer ≥ 1.
    """
    check_kinds("hold_out", {"problem": (problem, AbstractProblem)})
    stde.check_count("hold_out(…, num_points)", num_points)
    # Far from any number that a run folds into its keys.
    key = jax.random.fold_in(jax.random.key(2**31 - 1), 2**31 - 1)
    held = min(num_points, max(1, _MOST // problem.num_inputs))
    points = _draw(problem.conditions[0].points, held, key)
    truth = np.asarray(problem.reference(points), float)
    trivial, notes = _trivial(problem, points, truth), _notes(num_points, points)
    if problem.origin is None:
        return HeldOut(points, truth, trivial, notes=notes)
    origin = jnp.asarray(problem.origin, points.dtype)
    truth_origin = float(problem.reference(origin[None])[0])
    if truth_origin == 0:
        nought = "The solution is 0 at the origin, where no relative error is measured."
        return HeldOut(points, truth, trivial, notes=(*notes, nought))
    return HeldOut(points, truth, trivial, origin, truth_origin, notes)


@eqx.filter_jit
def _draw(domain: AbstractDomain, num_points: int, key: PRNGKeyArray) -> Array:
    return domain(num_points, key=key)


def _notes(asked: int, points: Float[Array, "n inputs"]) -> tuple[str, ...]:
    held, size = len(points), asked * points[0].nbytes / 1e9
    if held == asked:
        return ()
    return (f"Errors are measured at {held} test points: the {asked} asked for would fill {size:.0f} GB.",)


def values(model: stde.Model, points: Float[Array, "n inputs"]) -> Float[Array, " n"]:
    """The model at many points, in pieces that bound the memory."""
    piece = min(points.shape[0], _PIECE // points.shape[1])
    # One at a time is a loop of its own: batches of one would make XLA copy all points.
    return jax.lax.map(model, points, batch_size=piece if piece > 1 else None)


def measure(problem: AbstractProblem, network: stde.Model, held_out: HeldOut) -> Errors:
    """The errors of the network in the problem's ansatz."""
    error = np.asarray(_values(problem, network, held_out.points), float) - held_out.truth
    origin = None
    if held_out.origin is not None and held_out.truth_origin is not None:
        at_origin = float(_values(problem, network, held_out.origin[None])[0])
        origin = abs(at_origin / held_out.truth_origin - 1)
    return Errors(
        relative_l1=float(np.abs(error).sum() / np.abs(held_out.truth).sum()),
        relative_l2=float(np.linalg.norm(error) / np.linalg.norm(held_out.truth)),
        relative_error_origin=origin,
    )


@eqx.filter_jit
def _values(problem: AbstractProblem, network: stde.Model, points: Array) -> Array:
    return values(problem.ansatz(network), points)


def _trivial(problem: AbstractProblem, points: Array, truth: np.ndarray) -> np.ndarray:
    def fit(offset: np.ndarray, feature: np.ndarray) -> np.ndarray:
        return offset + feature * (feature @ (truth - offset)) / (feature @ feature)

    at_zero, at_one = (
        np.asarray(values(problem.ansatz(lambda x, c=c: jnp.asarray(c, x.dtype)), points), float)
        for c in (0.0, 1.0)
    )
    candidates = fit(np.zeros_like(truth), np.ones_like(truth)), fit(at_zero, at_one - at_zero)
    return min(candidates, key=lambda candidate: np.linalg.norm(candidate - truth))
