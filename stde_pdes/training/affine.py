"""The best affine network inside a problem's ansatz: the simplest model that is not constant."""

from collections import deque

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..domains import AbstractDomain
from ..problem import Problem
from .arguments import check_kinds
from .errors import HeldOut, drawn, measure

# Problems in 1000 dimensions are within, with time and some features of the ansatz. There the fit takes
# seconds, which grow with the cube.
MOST_FEATURES = 1024
# 50 points for each unknown leave the error 1 % above that of the best affine network. Of few unknowns some
# solitons need more: at 150 points kdv's error is 1.106, and at 2000 as at 20 000 it is 1.087.
_POINTS_PER_UNKNOWN, _LEAST_POINTS = 50, 2000
# So many numbers are held at once, and a smaller part goes through the ansatz, whose inside may be larger.
_PIECE, _INSIDE = 2**23, 2**20
# What is weaker by 1e6, in the sums by 1e12, is rounding: of features in float32, of the sums in float64.
_RANK = 1e-12
# The fit is 1 % above the best affine network, and thousands of test points tell an error to a few per cent.
_MARGIN = 0.05

# By value, so that a problem that is made again is known again.
_fitted: deque[tuple[Problem, "Affine"]] = deque(maxlen=8)


class Affine(eqx.Module):
    """The network `z ↦ a + b·z`, for each output one."""

    constant: Float[Array, "..."]
    slopes: Float[Array, "*outputs features"]

    def __call__(self, z: Float[Array, " features"]) -> Float[Array, "..."]:
        return self.constant + self.slopes @ z


def affine_relative_l2(problem: Problem, held_out: HeldOut) -> float | None:
    """The relative L2 error, on the test points, of the best affine network inside the problem's ansatz.

    The network `z ↦ a + b·z` in place of a trained one, by least squares on the solution at fresh points of
    the training law, none of them a test point: 50 for each unknown, and 2000 at least. None above 1024
    features and outputs together, where it is not computed, and for a solution that is known at given points
    only. A trained network that is not better has learned nothing beyond it.

    Cost: a gradient of the ansatz and the reference at each of these points, once per problem and process.
    Raises `TypeError` for what is no problem or no test points.
    """
    kinds = {"problem": (problem, Problem), "held_out": (held_out, HeldOut)}
    check_kinds("affine_relative_l2", kinds)
    width = problem.num_features * len(problem.outputs)
    if width > MOST_FEATURES or not isinstance(problem.test_points, AbstractDomain):
        return None
    with jax.default_matmul_precision("highest"):
        return measure(problem, affine_network(problem), held_out).relative_l2


def beats_affine(relative_l2: float, affine: float) -> bool:
    """Whether an error is below that of an affine network, by 5 % at least: less cannot be told apart."""
    return relative_l2 < (1 - _MARGIN) * affine


def affine_network(problem: Problem) -> Affine:
    """The best affine network, fitted once per problem and process."""
    shape = problem.output_shape
    zero = Affine(jnp.zeros(shape), jnp.zeros((*shape, problem.num_features)))
    for known, network in _fitted:
        if network.constant.dtype == zero.constant.dtype and eqx.tree_equal(known, problem):
            return network
    solution = jnp.asarray(_least_squares(_sums(problem, zero)), zero.constant.dtype)
    count = zero.constant.size
    _fitted.append(
        (problem, Affine(solution[:count].reshape(shape), solution[count:].reshape(zero.slopes.shape)))
    )
    return _fitted[-1][1]


def _sums(problem: Problem, zero: Affine) -> Float[np.ndarray, "m m"]:
    """Products of the columns, summed over the points: of those of a, of b, and the right-hand side."""
    domain, unknowns = problem.test_points, (problem.num_features + 1) * len(problem.outputs)
    assert isinstance(domain, AbstractDomain)
    width = max(unknowns, problem.num_inputs)
    # Fewer than 2000 points where these would be more numbers than are held for testing.
    num_points = max(_POINTS_PER_UNKNOWN * unknowns, min(_LEAST_POINTS, 2**27 // width))
    pieces = -(-num_points * width // _PIECE)
    # Beside the key of the test points.
    key = jax.random.fold_in(jax.random.key(2**31 - 1), 2**31 - 2)
    total = np.zeros((unknowns + 1, unknowns + 1))
    for piece in range(pieces):
        points = drawn(domain, -(-num_points // pieces), jax.random.fold_in(key, piece))
        offset, columns = _linear(problem, zero, points)
        right = problem.truth(points) - np.asarray(offset, float)
        # A row for each point and output, a column for each number of the network.
        parts = [np.asarray(part).reshape(right.size, -1) for part in (columns.constant, columns.slopes)]
        rows = np.column_stack([*parts, right.ravel()])
        total += rows.T @ rows
    return total


@eqx.filter_jit
def _linear(
    problem: Problem, zero: Affine, points: Float[Array, "n inputs"]
) -> tuple[Float[Array, "n ..."], Affine]:
    """At each point the model of the network 0, and its derivatives in a and b, in which it is affine."""

    def row(x: Array) -> tuple[Array, Affine]:
        at_zero, pull = jax.vjp(lambda network: problem.ansatz(network)(x), zero)
        units = jnp.eye(max(at_zero.size, 1), dtype=at_zero.dtype).reshape(-1, *at_zero.shape)
        return at_zero, jax.vmap(pull)(units)[0]

    num_points, num_inputs = points.shape
    return jax.lax.map(row, points, batch_size=min(num_points, max(1, _INSIDE // num_inputs)))


def _least_squares(sums: Float[np.ndarray, "m m"]) -> Float[np.ndarray, " unknowns"]:
    """The smallest solution, in units in which all columns are equally long."""
    if not np.isfinite(sums).all():  # a solution that is not known
        return np.full(len(sums) - 1, np.nan)
    lengths = np.sqrt(np.diag(sums)[:-1])
    lengths[lengths == 0] = 1
    left, right = sums[:-1, :-1] / np.outer(lengths, lengths), sums[:-1, -1] / lengths
    return np.linalg.lstsq(left, right, rcond=_RANK)[0] / lengths
