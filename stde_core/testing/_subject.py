"""What clauses are tried on: operators, an estimator, a model and a point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _operators as stde
from .._estimate import estimate
from .._operators import AbstractOperator, Gradient, without_gradients
from .._plan import AbstractEstimator, Contraction, Estimate, SamplingPlan
from .._samplers import AbstractTangentSampler, AllTerms
from .._taylor import nested
from .._terms import AbstractFamily
from .._types import Model, Point
from ._contract import jit

NUM_KEYS = 4000


def network(dim: int, out: Any, width: int = 8, seed: int = 0) -> eqx.nn.MLP:
    """A small tanh network whose derivatives of all orders are of the size of 1."""
    with jax.ensure_compile_time_eval():
        mlp = eqx.nn.MLP(dim, out, width, 1, activation=jnp.tanh, key=jax.random.key(seed))
        return jax.tree.map(lambda leaf: 2 * leaf if eqx.is_array(leaf) else leaf, mlp)


def outputs(families: tuple[AbstractFamily, ...]) -> Any:
    """The outputs that a model for these families needs."""
    return next((f.output_size for f in families if f.output_size is not None), "scalar")


def points(num_points: int, dim: int) -> Float[Array, "n dim"]:
    """Points with positive entries of the size of 1, so that roots and logarithms exist."""
    with jax.ensure_compile_time_eval():
        return 0.3 + 0.6 * jax.random.uniform(jax.random.key(1), (num_points, dim))


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real arrays in another precision."""
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree)


def operators_of_all_kinds(dim: int, out: int) -> dict[str, AbstractOperator]:
    """Every kind of family and coefficient, in at least four dimensions, for models with `out` outputs."""
    d: Any = stde.partials(dim)
    return {
        "Laplacian()": stde.Laplacian(),
        "partial(-1) + Laplacian(axes=slice(0, -1))": d[-1] + stde.Laplacian(axes=slice(0, -1)),
        "f * Laplacian()": (lambda x: 1 + x[0] ** 2) * stde.Laplacian(),
        "WeightedLaplacian(diagonal)": stde.WeightedLaplacian(np.linspace(0.5, 1.5, dim)),
        "WeightedLaplacian(matrix)": stde.WeightedLaplacian(np.cos(np.arange(4.0 * dim)).reshape(dim, 4)),
        "PowerSum(3)": stde.PowerSum(3),
        "Biharmonic()": stde.Biharmonic(),
        "sum of mixed derivatives": d[0] * d[1] + d[1] * d[2] - d[2] * d[3],
        "polynomial": d[0] ** 2 * d[1] + 3 * d[1] * d[2] - 0.5 * d[3] + 2,
        "Directional(x)": stde.Directional(lambda x: x),
        "Divergence()": stde.Divergence(axes=range(out)),
        "Gradient()": stde.Gradient(axes=(0, -1)),
    }


class Sampled(AbstractEstimator):
    """Tangents of any sampler, contracted by the Taylor engine or otherwise."""

    sampler: AbstractTangentSampler
    num_samples: int = eqx.field(static=True)
    contract: Contraction | None = eqx.field(static=True, default=None)

    def plan(self, operators, dim, *, standard_error, model=None) -> SamplingPlan:
        how = {"standard_error": standard_error, "contract": self.contract}
        return SamplingPlan(operators, dim, self.sampler, self.num_samples, **how)


@dataclass(frozen=True)
class Subject:
    """What claims to keep a contract, and an estimator, by which operators are applied to a network.

    - `found`: what messages call that which the estimator finds.
    - `asked`: operators by name, some of which the estimator may refuse.
    - `out`: the outputs of the network; as many as the operators need if None.
    - `reference`: what the one operator is in plain JAX.
    """

    tested: Any
    found: str
    estimator: AbstractEstimator
    asked: dict[str, AbstractOperator]
    dim: int
    out: int | None
    key: Array | None
    reference: Callable[[Model, Point], Array] | None = None

    @cached_property
    def reasons(self) -> dict[str, str | None]:
        """Why operators are refused; gradients never are."""
        operators = {n: o for n, o in self.asked.items() if not isinstance(o, Gradient)}
        return {name: self.estimator.refuses(o, self.dim) for name, o in operators.items()}

    @cached_property
    def operators(self) -> dict[str, AbstractOperator]:
        return {name: o for name, o in self.asked.items() if self.reasons.get(name) is None}

    @cached_property
    def plan(self) -> Any:
        """That of all operators together, so that they share draws where they may."""
        return self.estimator.plan(without_gradients(self.operators)[0], self.dim, standard_error=True)

    @cached_property
    def model(self) -> Any:
        return network(self.dim, self.out or outputs(self.plan.families))

    @cached_property
    def points(self) -> Array:
        return points(2, self.dim)

    @property
    def x(self) -> Array:
        return self.points[0]

    @cached_property
    def keys(self) -> Array:
        return jax.random.split(jax.random.key(0) if self.key is None else self.key, NUM_KEYS)

    def estimate(self, operators: Any, model: Any, x: Array, key: Array | None, **options: Any) -> Estimate:
        return estimate(operators, model, x, self.estimator, key=key, **options)

    @cached_property
    def estimates(self) -> Estimate:
        """All operators in one call, for many keys, of which the last is the first again."""
        run = jax.vmap(lambda key: self.estimate(self.operators, self.model, self.x, key))
        return jax.tree.map(np.asarray, jit(run)(jnp.append(self.keys, self.keys[0])))

    @cached_property
    def exact(self) -> dict[str, np.ndarray]:
        """All terms of the operators, by nested forward mode."""
        return jax.tree.map(np.asarray, self.all_terms(self.operators, nested))

    def all_terms(self, operators: Any, contract: Contraction | None = None) -> Any:
        """The values of operators, by the Taylor engine or another contraction."""
        estimator = Sampled(AllTerms(), 1, contract)
        apply = partial(estimate, operators, self.model, estimator=estimator, standard_error=False)
        return jit(lambda x: apply(x).value)(self.x)
