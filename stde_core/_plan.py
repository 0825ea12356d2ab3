"""From operators and a sampler to an estimate: which families share a draw, and what they add up to."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

from ._arrangement import cheapest
from ._families import AbstractFamily
from ._listening import tell
from ._operator import AbstractOperator, is_operator
from ._operators import Gradient
from ._pass import Samples, Term
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
        """Contracts the tangents of a draw by `contract`, the estimator's own part, and averages."""
        primal = jnp.asarray(model(x))
        samples: Samples = defaultdict(lambda: 0)
        draws = self.draw(key)
        groups = self._terms(draws, x)
        tell(self, draws, groups, x, standard_error, None, contract)
        for number, terms in enumerate(groups):
            for operator, values in _contract(contract, model, x, primal, terms).items():
                sampled = standard_error and terms[0].sampled
                samples[operator, number if sampled else None] += values if sampled else values.sum(0)[None]
        return self._collect(primal, samples, draws, model, x, standard_error)

    def taylor(
        self,
        model: Model,
        x: Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
        chunk_size: int | None = None,
    ) -> Estimate:
        """Evaluates the tangents of a draw by the Taylor engine, in the fewest passes and channels.

        Without standard errors the topmost coefficients are carried as sums over samples and terms.
        `chunk_size` bounds how many directions of a whole family go in one pass.
        """
        draws = self.draw(key)
        groups = self._terms(draws, x)
        tell(self, draws, groups, x, standard_error, chunk_size, None)
        terms = [term for group in groups for term in group]
        arrangement = cheapest(terms, x, per_sample=standard_error)
        primal, samples = arrangement.evaluate(model, x, chunk_size)
        return self._collect(primal, samples, draws, model, x, standard_error)

    def _terms(self, draws: list[Draw], x: Point) -> list[list[Term]]:
        return [
            [
                Term(m.operator, number, draw.correction != 0, m.family, m.family.tangents(draw, x))
                for m in group.members
            ]
            for number, (group, draw) in enumerate(zip(self.groups, draws, strict=True))
        ]

    def _collect(
        self, primal: Array, samples: Samples, draws: list[Draw], model: Model, x: Point, standard_error: bool
    ) -> Estimate:
        """The values from their samples, with the spread of those that are drawn."""
        values: list[Any] = [0.0] * len(self.operators)
        variances: list[Any] = [0.0] * len(self.operators)
        for (operator, number), terms in samples.items():
            values[operator] += terms.sum(0)
            variances[operator] += _variance(terms, 0.0 if number is None else draws[number].correction)
        for position, operator in enumerate(self.operators):
            if isinstance(operator, Gradient):
                values[position] = operator(model, x)
                variances[position] = jnp.zeros_like(values[position].real)
        errors = self.tree.unflatten(_root(v) for v in variances) if standard_error else None
        return Estimate(self.tree.unflatten(values), primal, errors)


def _contract(
    contract: Contraction, model: Model, x: Point, primal: Array, terms: list[Term]
) -> dict[int, Inexact[Array, "n ..."]]:
    """The weighted samples of each operator in a group, summed over the operator's families."""
    passes: dict[Hashable, list[Tangents]] = defaultdict(list)
    for position, term in enumerate(terms):
        passes[_pass(term, position)].append(term.tangents)
    samples: dict[int, Array] = {}
    contracted: dict[tuple[Hashable, tuple[int, ...]], Array] = {((), ()): primal[None]}
    for name, sharing in passes.items():
        monomials = tuple(dict.fromkeys(tangent.powers for tangent in sharing))
        if monomials != ((),):
            results = contract(model, x, sharing[0].directions, monomials)
            contracted |= {(name, p): value for p, value in zip(monomials, results, strict=True)}
    for position, term in enumerate(terms):
        weighed = term.tangents.weigh(contracted[_pass(term, position), term.tangents.powers])
        previous = samples.get(term.operator)
        samples[term.operator] = weighed if previous is None else previous + weighed
    return samples


def _pass(term: Term, position: int) -> Hashable:
    """Terms of one draw with equal names go along the same directions."""
    return term.along(position) if term.tangents.powers else ()


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
