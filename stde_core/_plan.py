"""From operators and a sampler to an estimate: which families share a draw, and what they add up to."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

from ._families import AbstractFamily
from ._operator import AbstractOperator, is_operator
from ._operators import Gradient
from ._sampler import AbstractTangentSampler
from ._tangents import AbstractDirections, Draw, Tangents
from ._types import Model, Point

Monomials: TypeAlias = tuple[tuple[int, ...], ...]
Contraction: TypeAlias = Callable[
    [Model, Point, AbstractDirections, Monomials], tuple[Inexact[Array, "n ..."], ...]
]
"""`contract(model, x, directions, monomials)`: for n samples of m directions and each monomial
`p = (p_1, …, p_m)`, the contractions `D^|p| u(x)[v_1^p_1, …, v_m^p_m]`, `[n, *out]`."""


class Estimate(eqx.Module):
    """Estimates of operators at one point.

    - `value`: the tree of operators with each replaced by its estimate, of the model's shape.
    - `primal`: u(x).
    - `standard_error`: like `value`; 0 where exact, nan where one sample cannot tell, None where
      it was not asked for.
    """

    value: PyTree
    primal: Inexact[Array, "..."]
    standard_error: PyTree = None


@dataclass(frozen=True)
class Member:
    """A family of one of the operators."""

    operator: int
    family: AbstractFamily


@dataclass(frozen=True)
class Group:
    """Families that share one draw."""

    whole: bool
    members: tuple[Member, ...]

    @property
    def widest(self) -> AbstractFamily:
        """The family that asks for most vectors of noise, and so serves to draw for all."""
        families = [member.family for member in self.members]
        return max(families, key=lambda family: family.law.vectors if family.law else 0)


class SamplingPlan:
    """How a sampler stands for operators in `dim` dimensions: the skeleton of most estimators.

    A family that the sampler covers is contracted whole; the others are drawn, those over one
    space together, and independently of all others. Within a draw, tangents along the same
    directions share a pass.
    """

    def __init__(
        self, operators: PyTree[AbstractOperator], dim: int, sampler: AbstractTangentSampler, num_samples: int
    ):
        self.sampler, self.num_samples = sampler, num_samples
        self.operators, self.tree = jax.tree.flatten(operators, is_leaf=is_operator)
        groups: dict[tuple[bool, Hashable], list[Member]] = defaultdict(list)
        for position, operator in enumerate(self.operators):
            families = () if isinstance(operator, Gradient) else operator.families(dim)
            for family in families:
                whole = sampler.covers(family, num_samples)
                space = family.index_set if whole else sampler.space(family)
                groups[whole, space].append(Member(position, family))
        self.groups = [Group(whole, tuple(members)) for (whole, _), members in groups.items()]

    @property
    def families(self) -> tuple[AbstractFamily, ...]:
        return tuple(member.family for group in self.groups for member in group.members)

    def refuses(self) -> str | None:
        """Why the sampler cannot stand for the operators, in words that follow its name."""
        return self.sampler.refuses(self.families, self.num_samples)

    def draw(self, key: PRNGKeyArray | None) -> list[Draw]:
        """One draw per group. Raises `ValueError` where something is sampled and `key` is None."""
        return [self._draw_group(group, position, key) for position, group in enumerate(self.groups)]

    def _draw_group(self, group: Group, position: int, key: PRNGKeyArray | None) -> Draw:
        if group.whole:
            return Draw.whole(group.widest.size)
        if key is None:
            raise ValueError(
                "`estimate(…)` samples these operators and needs a key: pass `key=jax.random.key(…)`; "
                "a random model inside the model is closed over a key of its own."
            )
        return self.sampler(group.widest, self.num_samples, key=jax.random.fold_in(key, position))

    def estimate(
        self,
        contract: Contraction,
        model: Model,
        x: Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> Estimate:
        """Contracts the tangents of a draw and averages; `contract` is the estimator's own part."""
        primal = jnp.asarray(model(x))
        values: list[Any] = [0.0] * len(self.operators)
        variances: list[Any] = [0.0] * len(self.operators)
        for group, draw in zip(self.groups, self.draw(key), strict=True):
            for operator, samples in _contract(contract, model, x, primal, group, draw).items():
                values[operator] += samples.sum(0)
                if standard_error:
                    variances[operator] += _variance(samples, draw.correction)
        for position, operator in enumerate(self.operators):
            if isinstance(operator, Gradient):
                values[position] = operator(model, x)
                variances[position] = jnp.zeros_like(values[position].real)
        errors = self.tree.unflatten(_root(v) for v in variances) if standard_error else None
        return Estimate(self.tree.unflatten(values), primal, errors)


def _contract(
    contract: Contraction, model: Model, x: Point, primal: Array, group: Group, draw: Draw
) -> dict[int, Inexact[Array, "n ..."]]:
    """The weighted samples of each operator in a group, summed over the operator's families."""
    tangents = [member.family.tangents(draw, x) for member in group.members]
    passes: dict[Hashable, list[Tangents]] = defaultdict(list)
    for position, tangent in enumerate(tangents):
        passes[_pass(tangent, position)].append(tangent)
    samples: dict[int, Array] = {}
    contracted: dict[tuple[Hashable, tuple[int, ...]], Array] = {((), ()): primal[None]}
    for name, sharing in passes.items():
        monomials = tuple(dict.fromkeys(tangent.powers for tangent in sharing))
        if monomials != ((),):
            results = contract(model, x, sharing[0].directions, monomials)
            contracted |= {(name, p): value for p, value in zip(monomials, results, strict=True)}
    for position, (member, tangent) in enumerate(zip(group.members, tangents, strict=True)):
        terms = tangent.weigh(contracted[_pass(tangent, position), tangent.powers])
        previous = samples.get(member.operator)
        samples[member.operator] = terms if previous is None else previous + terms
    return samples


def _pass(tangent: Tangents, position: int) -> Hashable:
    """Tangents of one draw with equal names go along the same directions."""
    if not tangent.powers:
        return ()
    return ("alone", position) if tangent.directions.key is None else tangent.directions.key


def _variance(samples: Inexact[Array, "n ..."], correction: float) -> Array:
    """The variance of the sum of n samples: `correction · n · s²`."""
    if correction == 0.0:
        return jnp.zeros_like(samples[0].real)
    n = samples.shape[0]
    if n == 1:
        return jnp.full_like(samples[0].real, jnp.nan)
    return correction * n * jnp.var(samples, axis=0, ddof=1)


def _root(variance: Array) -> Array:
    """√, with derivative 0 at 0 instead of none."""
    positive = variance > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1)), variance)
