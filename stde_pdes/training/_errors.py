"""How far a model is from the solution, beside how far a trivial one is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

if TYPE_CHECKING:
    from .._problem import AbstractProblem

# Test points are evaluated in pieces of about so many numbers.
_PIECE = 2**22


@dataclass(frozen=True)
class Errors:
    """Relative errors `|u − u*| / |u*|` on the test points, in the L1 and the L2 norm."""

    relative_l1: float
    relative_l2: float
    relative_error_origin: float | None = None


class TestSet(eqx.Module):
    """Fixed points that training never sees, with the solution there.

    `trivial` are the values of the better, in the L2 norm, of two models that know nothing: the
    best constant, and the best constant network inside the problem's ansatz.
    """

    __test__ = False  # not a test class

    points: Float[Array, "n inputs"]
    truth: Float[np.ndarray, " n"]
    truth_origin: float | None
    origin: Float[Array, " inputs"] | None
    trivial: Float[np.ndarray, " n"]

    def __init__(self, problem: "AbstractProblem", num_points: int):
        # The training law with a seed of its own, far from any that a run folds in.
        key = jax.random.fold_in(jax.random.key(2**31 - 1), 2**31 - 1)
        self.points = problem.conditions[0].points(num_points, key=key)
        self.truth = np.asarray(problem.reference(self.points), float)
        self.origin, self.truth_origin = None, None
        if problem.origin is not None:
            self.origin = jnp.asarray(problem.origin, self.points.dtype)
            self.truth_origin = float(problem.reference(self.origin[None])[0])
        self.trivial = _trivial(problem, self.points, self.truth)

    @property
    def trivial_relative_l2(self) -> float:
        """The relative L2 error of the trivial solution."""
        return float(np.linalg.norm(self.trivial - self.truth) / np.linalg.norm(self.truth))


def values(model: stde.Model, points: Float[Array, "n inputs"]) -> Float[Array, " n"]:
    """The model at many points, in pieces that bound the memory."""
    piece = max(1, min(points.shape[0], _PIECE // points.shape[1]))
    return jax.lax.map(model, points, batch_size=piece)


def measure(problem: "AbstractProblem", network: stde.Model, tests: TestSet) -> Errors:
    """The errors of the network in the problem's ansatz."""
    error = np.asarray(_values(problem, network, tests.points), float) - tests.truth
    origin = None
    if tests.origin is not None and tests.truth_origin is not None:
        at_origin = float(_values(problem, network, tests.origin[None])[0])
        origin = abs(at_origin / tests.truth_origin - 1)
    return Errors(
        relative_l1=float(np.abs(error).sum() / np.abs(tests.truth).sum()),
        relative_l2=float(np.linalg.norm(error) / np.linalg.norm(tests.truth)),
        relative_error_origin=origin,
    )


@eqx.filter_jit
def _values(problem: "AbstractProblem", network: stde.Model, points: Array) -> Array:
    return values(problem.ansatz(network), points)


def _trivial(problem: "AbstractProblem", points: Array, truth: np.ndarray) -> np.ndarray:
    def fit(offset: np.ndarray, feature: np.ndarray) -> np.ndarray:
        return offset + feature * (feature @ (truth - offset)) / (feature @ feature)

    at_zero, at_one = (
        np.asarray(values(problem.ansatz(lambda x, c=c: jnp.asarray(c, x.dtype)), points), float)
        for c in (0.0, 1.0)
    )
    candidates = fit(np.zeros_like(truth), np.ones_like(truth)), fit(at_zero, at_one - at_zero)
    return min(candidates, key=lambda candidate: np.linalg.norm(candidate - truth))
