"""What the tests of the core share: a model, its exact derivatives, and one list each of estimators
and operators. Nothing here uses the library's numerics: derivatives are nested `jax.jacfwd`."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from interpreter import interpreted
from stde_estimators import SDGD, STDE, Exact, ForwardLaplacian, Hutchinson

import stde_core as stde
from stde_core.testing import cast as cast
from stde_core.testing import jit as jit
from stde_core.testing._subject import network as _network

DIM, OUT = 4, 3
POINT = jnp.array([0.3, -0.4, 0.2, 0.5])


@functools.cache
def network(out: int | str = OUT, *, dim: int = DIM, width: int = 8, seed: int = 0) -> eqx.nn.MLP:
    """A small tanh network whose derivatives of all orders are of the size of 1."""
    return _network(dim, out, width, seed)


def tensor(model: Callable, x: jax.Array, order: int) -> jax.Array:
    """The derivative tensor `∂_i ∂_j … u`, `[*out, dim, …, dim]`, by nested forward mode."""
    for _ in range(order):
        model = jax.jacfwd(model)
    return model(x)


def derivative(model: Callable, x: jax.Array, *vectors: jax.Array) -> jax.Array:
    """`D^k u(x)[v_1, …, v_k]` by k nested `jax.jvp`."""
    for v in vectors:
        model = functools.partial(lambda f, v, x: jax.jvp(f, (x,), (v,))[1], model, v)
    return model(x)


def mixed(model: Callable, x: jax.Array, *axes: int) -> jax.Array:
    """`∂_{axes[0]} ∂_{axes[1]} … u(x)`."""
    return derivative(model, x, *jnp.eye(x.shape[0], dtype=x.dtype)[np.asarray(axes)])


def drawn(domain: Callable, num_points: int, seed: int = 0) -> jax.Array:
    """Points of a domain, `[n, inputs]`."""
    return interpreted(lambda key: domain(num_points, key=key))(jax.random.key(seed))


def at_each(function: Callable, points: Any) -> Any:
    """The values of a function of one point."""
    return interpreted(jax.vmap(function))(points)


def assert_close(actual: Any, expected: Any, *, rtol: float = 1e-10, atol: float = 1e-12) -> None:
    """Two trees of one structure and of arrays of equal shapes, up to rounding."""

    def compare(a, e):
        assert np.shape(a) == np.shape(e)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=atol)

    jax.tree.map(compare, actual, expected)


def assert_unbiased(samples: Any, expected: Any) -> None:
    """The mean over the first axis is within 4 of its standard errors of what is expected."""
    samples = np.asarray(samples)
    error = np.std(samples, axis=0, ddof=1) / samples.shape[0] ** 0.5
    np.testing.assert_array_less(
        np.abs(samples.mean(0) - expected), 4 * error + 1e-10 * (1 + np.abs(expected))
    )


class Case(NamedTuple):
    """An operator on a model with `OUT` outputs, and its value from the tensors of orders 0, 1, …"""

    operator: stde.AbstractOperator
    reference: Callable[[list[np.ndarray]], np.ndarray]

    @property
    def expected(self) -> np.ndarray:
        return self.reference(_tensors())


@functools.cache
def _tensors() -> list[np.ndarray]:
    tensors = interpreted(lambda x: [tensor(network(), x, order) for order in range(5)])(POINT)
    return [np.asarray(t) for t in tensors]


d = stde.partials(DIM)
DIAGONAL = np.array([0.5, -1.0, 2.0, 1.5])
MATRIX = np.array([[0.5, 1.0, 0.2], [0.0, -1.0, 0.4], [0.3, 0.2, -0.7], [1.0, 0.1, 0.6]])
VECTOR = np.array([0.2, -0.5, 1.0, 0.4])
COMPONENTS = np.array([1.0, -2.0, 0.5])

# Every family of terms and every kind of coefficient. Families that can be sampled have 3 or more terms.
OPERATORS: dict[str, Case] = {
    "laplacian": Case(stde.Laplacian(), lambda D: np.einsum("oii->o", D[2])),
    "laplacian-on-axes": Case(
        stde.Laplacian(axes=slice(None, -1)), lambda D: np.einsum("oii->o", D[2][:, :3, :3])
    ),
    "function-times-laplacian": Case(
        (lambda x: jnp.exp(x[0])) * stde.Laplacian(), lambda D: np.exp(POINT[0]) * np.einsum("oii->o", D[2])
    ),
    "array-times-laplacian": Case(
        COMPONENTS * stde.Laplacian(), lambda D: COMPONENTS * np.einsum("oii->o", D[2])
    ),
    "weighted-by-scalar": Case(stde.WeightedLaplacian(0.7), lambda D: 0.49 * np.einsum("oii->o", D[2])),
    "weighted-by-diagonal": Case(
        stde.WeightedLaplacian(DIAGONAL), lambda D: np.einsum("oii,i->o", D[2], DIAGONAL**2)
    ),
    "weighted-by-matrix": Case(
        stde.WeightedLaplacian(MATRIX), lambda D: np.einsum("oij,ik,jk->o", D[2], MATRIX, MATRIX)
    ),
    "weighted-by-function": Case(
        stde.WeightedLaplacian(lambda x: 1 + x), lambda D: np.einsum("oii,i->o", D[2], (1 + POINT) ** 2)
    ),
    "sum-of-third-powers": Case(stde.PowerSum(3), lambda D: np.einsum("oiii->o", D[3])),
    "weighted-fourth-powers": Case(
        d[0] ** 4 + 2 * d[1] ** 4 - d[3] ** 4,
        lambda D: D[4][:, 0, 0, 0, 0] + 2 * D[4][:, 1, 1, 1, 1] - D[4][:, 3, 3, 3, 3],
    ),
    "biharmonic": Case(stde.Biharmonic(), lambda D: np.einsum("oiijj->o", D[4])),
    "laplacian-squared": Case(stde.Laplacian() ** 2, lambda D: np.einsum("oiijj->o", D[4])),
    "x-dot-gradient": Case(
        stde.Directional(lambda x: x), lambda D: np.einsum("oi,i->o", D[1], POINT)
    ),
    "third-order-along-vector": Case(
        stde.Directional(VECTOR, 3), lambda D: np.einsum("oijk,i,j,k->o", D[3], VECTOR, VECTOR, VECTOR)
    ),
    "vector-times-laplacian": Case(
        stde.Directional(VECTOR) * stde.Laplacian(), lambda D: np.einsum("oijj,i->o", D[3], VECTOR)
    ),
    "divergence": Case(stde.Divergence(axes=(0, 1, 3)), lambda D: D[1][0, 0] + D[1][1, 1] + D[1][2, 3]),
    "divergence-of-laplacian": Case(
        stde.Divergence(axes=range(3)) * stde.Laplacian(), lambda D: np.einsum("iikk->", D[3][:, :3])
    ),
    "gradient": Case(stde.Gradient(axes=(0, -1)), lambda D: D[1][:, [0, 3]]),
    "polynomial": Case(
        d[0] ** 2 * d[1] + 3 * d[1] * d[2] * d[0] - 0.5 * d[3] + 2,
        lambda D: D[3][:, 0, 0, 1] + 3 * D[3][:, 0, 1, 2] - 0.5 * D[1][:, 3] + 2 * D[0],
    ),
    "mixed-second": Case(
        d[0] * d[1] + d[1] * d[2] - d[2] * d[3] + stde.Laplacian() - d[-1],
        lambda D: (
            D[2][:, 0, 1] + D[2][:, 1, 2] - D[2][:, 2, 3] + np.einsum("oii->o", D[2]) - D[1][:, 3]
        ),
    ),
}  # fmt: skip

ESTIMATORS: dict[str, stde.AbstractEstimator] = {
    "exact": Exact(chunk_size=3),
    "forward-laplacian": ForwardLaplacian(),
    "stde": STDE(num_samples=2),
    "stde-replace": STDE(num_samples=2, sampler=stde.Sparse(replace=True)),
    "stde-probabilities": STDE(
        num_samples=2, sampler=stde.Sparse(replace=True, probabilities=(0.1, 0.2, 0.3, 0.4))
    ),
    "stde-rademacher": STDE(num_samples=3, sampler=stde.Rademacher()),
    "stde-gaussian": STDE(num_samples=3, sampler=stde.Gaussian()),
    "stde-sphere": STDE(num_samples=3, sampler=stde.Sphere()),
    "sdgd": SDGD(num_samples=2),
    "sdgd-reverse": SDGD(num_samples=2, reverse_over_reverse=True, sequential=True),
    "hutchinson": Hutchinson(num_samples=3),
    "hutchinson-gaussian": Hutchinson(num_samples=3, sampler=stde.Gaussian()),
}


def accepts(estimator: str, operator: str) -> bool:
    return ESTIMATORS[estimator].refuses(OPERATORS[operator].operator, DIM) is None


PAIRS = [(e, o) for e in ESTIMATORS for o in OPERATORS]
ACCEPTED = [pair for pair in PAIRS if accepts(*pair)]
REFUSED = [pair for pair in PAIRS if pair not in ACCEPTED]
