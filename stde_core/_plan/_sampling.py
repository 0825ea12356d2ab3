"""`SamplingPlan`: which families share a draw, and how the weighted samples add up to an estimate."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

from .._operators import AbstractOperator, is_operator
from .._samplers import AbstractTangentSampler
from .._taylor import traced
from .._terms import AbstractFamily
from .._terms._tangents import AbstractDirections, Draw, Tangents
from .._types import Model, Point
from ..checks import in_short
from ._base import AbstractPlan, Estimate, Unsupported
from ._describe import described, requests
from ._execute import Samples, Term, execute, outlines, shapes_of
from ._schedule import Outline, Schedule, schedules

Monomials: TypeAlias = tuple[tuple[int, ...], ...]
Contraction: TypeAlias = Callable[
    [Model, Point, AbstractDirections, Monomials], tuple[Inexact[Array, "n ..."], ...]
]
"""`contract(model, x, directions, monomials)`: for n samples of m directions and each monomial
`p = (p_1, …, p_m)`, the contractions `D^|p| u(x)[v_1^p_1, …, v_m^p_m]`, `[n, *out]`."""


class Member(eqx.Module):
    """A family of the operator with number `operator`."""

    operator: int = eqx.field(static=True)
    family: AbstractFamily


class Group(eqx.Module):
    """Families that share one draw; with `whole`, the draw of all terms."""

    whole: bool = eqx.field(static=True)
    members: tuple[Member, ...]

    @property
    def widest(self) -> AbstractFamily:
        """The family that needs the most vectors of noise: a draw for it has enough for all."""
        families = [member.family for member in self.members]
        return max(families, key=lambda family: family.isotropic.vectors if family.isotropic else 0)


DrawGroup: TypeAlias = Callable[..., Sequence[Draw]]
"""`draw(group, model, x, *, key)`: draws whose sum estimates a sampled group."""


class SamplingPlan(AbstractPlan):
    """The plan of most estimators: a sampler's draws estimate operators in `dim` dimensions.

    The sampler takes all terms of some families and draws from the others. Families over one space share
    a draw; draws are independent. Within a draw, tangents along the same directions share a pass.

    - `standard_error`: whether to keep the samples apart, for their variance.
    - `contract`: how tangents are contracted. None means the Taylor engine, by the cheapest schedule; it
      carries sums over samples and terms in place of single ones unless `standard_error` forbids it.
    - `chunk_size`: the largest number of directions of a whole family in one pass of the engine.
    - `supports(family)`: None, or the reason why the estimator cannot do it, in words that follow its name.
    - `draw(group, model, x, *, key)`: draws whose sum estimates a sampled group, in place of the sampler's
      one draw. They may depend on the model, so the cost is unknown beforehand. A draw with
      `finite_population_correction` 0 counts as exact.

    Raises `Unsupported` if the estimator or the sampler cannot do it.
    """

    groups: tuple[Group, ...]
    sampler: AbstractTangentSampler
    num_samples: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)
    standard_error: bool = eqx.field(static=True)
    contract: Contraction | None = eqx.field(static=True)
    chunk_size: int | None = eqx.field(static=True)
    draw_group: DrawGroup | None
    names: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[str, ...] = eqx.field(static=True)
    tree: Any = eqx.field(static=True)

    def __init__(
        self,
        operators: PyTree[AbstractOperator],
        dim: int,
        sampler: AbstractTangentSampler,
        num_samples: int,
        *,
        standard_error: bool = True,
        contract: Contraction | None = None,
        chunk_size: int | None = None,
        supports: Callable[[AbstractFamily], str | None] | None = None,
        draw: DrawGroup | None = None,
    ):
        leaves, self.tree = jax.tree.flatten(operators, is_leaf=is_operator)
        self.names, self.kinds = _names(operators), tuple(type(leaf).__name__ for leaf in leaves)
        self.sampler, self.num_samples, self.dim = sampler, num_samples, dim
        self.standard_error, self.contract, self.chunk_size = standard_error, contract, chunk_size
        self.draw_group = draw
        groups: dict[tuple[bool, Hashable], list[Member]] = defaultdict(list)
        for position, operator in enumerate(leaves):
            for family in _families(operator, dim):
                whole = sampler.takes_all(family, num_samples)
                space = family.index_set if whole else sampler.space(family)
                groups[whole, space].append(Member(position, family))
        self.groups = tuple(Group(whole, tuple(members)) for (whole, _), members in groups.items())
        reasons = (reason for family in self.families if supports and (reason := supports(family)))
        reason = next(reasons, None) or sampler.refuses(self.families, num_samples)
        if reason is not None:
            raise Unsupported(reason)

    @property
    def families(self) -> tuple[AbstractFamily, ...]:
        return tuple(member.family for group in self.groups for member in group.members)

    @property
    def cost(self) -> int | None:
        return next((schedule.cost for schedule in self.schedules), None)

    @property
    def nested_cost(self) -> int | None:
        """The cost of nested forward mode: 2^k evaluations for each derivative of order k."""
        if self.draw_group is not None:
            return None
        return sum(
            block.samples * 2 ** sum(powers)
            for block, monomials in requests(self.outlines)
            for powers in monomials
        )

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules of the engine, the cheapest first; none with `contract` or `draw`."""
        if self.contract is not None or self.draw_group is not None:
            return ()
        return schedules(self.outlines, per_sample=self.standard_error, chunk_size=self.chunk_size)

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """The static part of the terms."""
        return outlines(self.terms, self._point)

    @property
    def terms(self) -> list[Term]:
        """The terms, with shapes in place of arrays."""
        return shapes_of(lambda x: self._terms(self.draws(jax.random.key(0), None, x), x), self._point)

    @property
    def _point(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((self.dim,), jnp.zeros(()).dtype)

    def describe(self) -> str:
        return described(self)

    def draws(
        self, key: PRNGKeyArray | None, model: Model | None = None, x: Point | None = None
    ) -> list[tuple[Group, Draw]]:
        """The draws, with their groups. Raises `ValueError` if one is random and `key` is None."""
        return [
            (group, draw)
            for position, group in enumerate(self.groups)
            for draw in self._draws_of(group, position, key, model, x)
        ]

    def _draws_of(
        self, group: Group, position: int, key: PRNGKeyArray | None, model: Model | None, x: Point | None
    ) -> Sequence[Draw]:
        if group.whole:
            return [Draw.all_terms(group.widest.size)]
        if key is None:
            raise ValueError(
                "`estimate(…)` samples these operators and needs a key: pass `key=jax.random.key(…)`; "
                "a random model inside the model is closed over a key of its own."
            )
        key = jax.random.fold_in(key, position)  # one key per group: groups are independent
        if self.draw_group is None:
            return [self.sampler(group.widest, self.num_samples, key=key)]
        draws = self.draw_group(group, model, x, key=key)
        if not isinstance(draws, list | tuple) or not all(isinstance(draw, Draw) for draw in draws):
            raise TypeError(
                "`SamplingPlan(…, draw)` needs a function that returns a list of `stde.Draw`s, "
                f"got {in_short(draws)}."
            )
        return draws

    def run(self, model: Model, x: Point, *, key: PRNGKeyArray | None) -> Estimate:
        if jnp.shape(x) != (self.dim,):
            raise ValueError(
                f"`plan.run(model, x)` needs a point of shape {(self.dim,)}, as planned, got {jnp.shape(x)}; "
                "plan anew for another dimension, and batch with `jax.vmap`."
            )
        model = traced(model, x)
        self.check_output(model.output.shape)
        draws = self.draws(key, model, x)
        terms = self._terms(draws, x)
        if self.contract is None:
            cheapest, *_ = schedules(
                outlines(terms, x), per_sample=self.standard_error, chunk_size=self.chunk_size
            )
            primal, samples = execute(cheapest, terms, model, x)
        else:
            primal, samples = self._contract_all(terms, model, x)
        return self._collect(primal, samples, [draw for _, draw in draws])

    def check_output(self, shape: tuple[int, ...]) -> None:
        """Raises `ValueError` if an operator, such as a divergence, needs an output of another shape."""
        for member in (member for group in self.groups for member in group.members):
            size = member.family.output_size
            if size is not None and shape != (size,):
                kind = self.kinds[member.operator]
                raise ValueError(f"`{kind}` needs a model with output of shape ({size},), got {shape}.")

    def _terms(self, draws: Sequence[tuple[Group, Draw]], x: Point) -> list[Term]:
        return [
            Term.of(m.operator, i, m.family, draw, group.whole, x)
            for i, (group, draw) in enumerate(draws)
            for m in group.members
        ]

    def _contract_all(self, terms: Sequence[Term], model: Model, x: Point) -> tuple[Array, Samples]:
        """`execute` with the estimator's own contraction, called once for each set of directions."""
        assert self.contract is not None
        primal = jnp.asarray(model(x))
        terms = [term.made(x) for term in terms]
        passes: dict[Hashable, list[Tangents]] = defaultdict(list)
        for number, term in enumerate(terms):
            if term.tangents.powers:
                passes[term.along(number)].append(term.tangents)
        contracted: dict[tuple[Hashable, tuple[int, ...]], Array] = {}
        for along, sharing in passes.items():
            monomials = tuple(dict.fromkeys(tangents.powers for tangents in sharing))
            values = self.contract(model, x, sharing[0].directions, monomials)
            contracted |= {(along, powers): v for powers, v in zip(monomials, values, strict=True)}
        samples: Samples = defaultdict(lambda: 0)
        for number, term in enumerate(terms):
            value = contracted.get((term.along(number), term.tangents.powers), primal[None])
            weighed = term.tangents.weigh(value)
            apart = self.standard_error and term.sampled
            samples[term.operator, term.place if apart else None] += (
                weighed if apart else weighed.sum(0)[None]
            )
        return primal, samples

    def _collect(self, primal: Array, samples: Samples, draws: Sequence[Draw]) -> Estimate:
        """The sums of the samples, and their standard errors."""
        values: list[Any] = [0.0] * len(self.names)
        variances: list[Any] = [0.0] * len(self.names)
        for (operator, number), terms in samples.items():
            values[operator] += terms.sum(0)
            variances[operator] += _variance(terms, None if number is None else draws[number])
        errors = self.tree.unflatten(map(_root, variances)) if self.standard_error else None
        return Estimate(self.tree.unflatten(values), primal, errors)


def _families(operator: AbstractOperator, dim: int) -> tuple[AbstractFamily, ...]:
    families = operator.families(dim)
    if len({family.output_size for family in families}) > 1:
        raise ValueError(
            f"`{type(operator).__name__}` adds a divergence, which is one number, to terms that act on "
            "each component of the output; ask for both in one call, as a tuple."
        )
    return families


def _names(operators: PyTree[AbstractOperator]) -> tuple[str, ...]:
    """A name for each operator: its path in the tree, or its type if it is the tree."""
    paths = jax.tree_util.tree_flatten_with_path(operators, is_leaf=is_operator)[0]
    names = [(jax.tree_util.keystr(path, simple=True, separator="."), o) for path, o in paths]
    return tuple(name or type(operator).__name__ for name, operator in names)  # "" at the root


def _variance(samples: Inexact[Array, "n ..."], draw: Draw | None) -> Array:
    """The estimated variance of the sum of n samples: `finite_population_correction · n · s²`."""
    n = samples.shape[0]
    if draw is None or draw.finite_population_correction == 0.0:
        return jnp.zeros_like(samples[0].real)
    if n == 1:
        return jnp.full_like(samples[0].real, jnp.nan)
    return draw.finite_population_correction * n * jnp.var(samples, axis=0, ddof=1)


def _root(variance: Array) -> Array:
    """√, with derivative 0 at 0."""
    # The inner `where` keeps the infinite derivative of the root out of a gradient, where 0·∞ is nan.
    positive = variance > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1)), variance)
