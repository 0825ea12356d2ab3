"""`explain`: what an estimate will draw and evaluate, and at what cost, before it is made."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ._arrangement import Arrangement, arrangements
from ._checks import as_int, check_count, check_flag
from ._chunks import split_large
from ._estimator import AbstractEstimator, check_estimator, check_operators
from ._explanation import Explanation, PlannedDraw, PlannedEstimate
from ._listening import listening
from ._operator import AbstractOperator, is_operator
from ._operators import Gradient
from ._pass import Pass, Term
from ._pass_plan import Directions, Monomial, PassPlan, PlannedComposition, PlannedPass, Sum
from ._plan import Contraction, SamplingPlan
from ._tangents import AbstractDirections, Draw, OneHot
from ._types import Model, Point


def explain(
    operators: PyTree[AbstractOperator],
    dim: int,
    estimator: AbstractEstimator,
    *,
    standard_error: bool = False,
) -> Explanation:
    """Says what `estimate` will do: `print(stde.explain(stde.Biharmonic(), 20, estimator))`.

    - `operators`: an operator, or a PyTree of them that shares draws and passes.
    - `dim`: the number of entries of a point.
    - `standard_error`: whether they are asked for, as by default in `estimate` and not in `Estimated`.

    Returns what is drawn of each family of terms; the passes through the model, with their directions,
    channels and sums, for every plan that there is, and the cost beside that of nested forward mode.
    Costs are in evaluations of the model, of which a pass makes many at once. Nothing is computed: the
    estimator is traced with a model that adds up its inputs.

    Raises `ValueError` for what the estimator refuses, as `estimate` does.
    """
    check_operators(operators, "stde.explain(operators, …)")
    check_estimator(estimator, "stde.explain(…, estimator)")
    dim = as_int(dim)
    check_count("stde.explain(…, dim)", dim)
    check_flag("stde.explain(…, standard_error=…)", standard_error)
    reason = estimator.refuses(operators, dim)
    if reason is not None:
        raise ValueError(f"`{type(estimator).__name__}` {reason}.")
    found, otherwise = (
        Explanation(type(estimator).__name__, dim, errors, _overhear(operators, dim, estimator, errors))
        for errors in (standard_error, not standard_error)
    )
    return replace(found, cost_otherwise=otherwise.cost)


def _overhear(
    operators: PyTree[AbstractOperator], dim: int, estimator: AbstractEstimator, standard_error: bool
) -> tuple[PlannedEstimate, ...]:
    """What the estimator's plans tell while it is traced."""
    heard: list[PlannedEstimate] = []
    point = jax.ShapeDtypeStruct((dim,), jnp.zeros(()).dtype)
    model = _probe(operators, point)

    def run(x: Point, key: Array) -> Any:
        return estimator(operators, model, x, key=key, standard_error=standard_error)

    with listening(lambda *told: heard.append(_planned(*told))):
        jax.eval_shape(run, point, jax.eval_shape(lambda: jax.random.key(0)))
    return tuple(heard)


def _probe(operators: PyTree[AbstractOperator], point: jax.ShapeDtypeStruct) -> Model:
    """A model with the output that the operators need: for a divergence, or coefficients by component."""
    leaves = jax.tree.leaves(operators, is_leaf=is_operator)
    families = [f for o in leaves if not isinstance(o, Gradient) for f in o.families(point.shape[0])]
    one = Draw(jnp.ones(1), indices=np.zeros(1, int))
    outputs = [
        jax.eval_shape(lambda x, f=f: f.tangents(one, x).weights, point).shape[1:]
        if f.output_size is None
        else (f.output_size,)
        for f in families
    ]
    shape = np.broadcast_shapes(*outputs)
    return lambda x: jnp.broadcast_to(jnp.sum(x), shape)


def _planned(
    plan: SamplingPlan,
    draws: Sequence[Draw],
    groups: Sequence[Sequence[Term]],
    x: Point,
    standard_error: bool,
    chunk_size: int | None,
    contract: Contraction | None,
) -> PlannedEstimate:
    names = _names(plan)
    terms = [term for group in groups for term in group]
    ways: list[Arrangement] = []
    if contract is None:
        ways = sorted(arrangements(terms, x, per_sample=standard_error), key=lambda way: way.cost)
    plans = dict.fromkeys(_pass_plan(way, chunk_size, names) for way in ways)
    distinct = {(p.passes, p.compositions): p for p in reversed(plans)}
    requests = [_requests(group) for group in groups]
    return PlannedEstimate(
        sampler=type(plan.sampler).__name__,
        draws=tuple(_draw(names, term, draws[term.group]) for term in terms),
        plans=tuple(reversed(distinct.values())),
        contraction="" if contract is None else _function_name(contract),
        requests=tuple(d for ds in requests for d in ds) if contract is not None else (),
        gradients=tuple(names[i] for i, o in enumerate(plan.operators) if isinstance(o, Gradient)),
        nested_cost=sum(d.samples * 2 ** sum(m) for ds in requests for d in ds for m in d.channels),
    )


def _names(plan: SamplingPlan) -> list[str]:
    """The operators by their place in the tree, a single one by its type."""
    tree = plan.tree.unflatten(plan.operators)
    paths = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_operator)[0]
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    return [name or type(o).__name__ for name, o in zip(names, plan.operators, strict=True)]


def _function_name(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def _draw(names: Sequence[str], term: Term, draw: Draw) -> PlannedDraw:
    family, samples = term.family, draw.weights.shape[0]
    how = "independent" if draw.correction == 1 else "without replacement" if term.sampled else "whole"
    vectors = family.law.vectors if family.law is not None and draw.noise is not None else 0
    return PlannedDraw(names[term.operator], family.powers, family.size, term.group, samples, vectors, how)


def _requests(terms: Sequence[Term]) -> list[Directions]:
    """What a draw asks for: the directions, each with the monomials that a term needs."""
    asked: dict[Hashable, tuple[AbstractDirections, dict[Monomial, None]]] = {}
    for position, term in enumerate(terms):
        if term.tangents.powers:
            _, monomials = asked.setdefault(term.along(position), (term.tangents.directions, {}))
            monomials[term.tangents.powers] = None
    return [_directions(directions, tuple(monomials)) for directions, monomials in asked.values()]


def _directions(directions: AbstractDirections, channels: tuple[Monomial, ...]) -> Directions:
    leaf = jax.tree.leaves(directions)[0]
    axes: tuple[int, ...] = ()
    if isinstance(directions, OneHot) and isinstance(directions.axes, np.ndarray) and leaf.shape[0] == 1:
        axes = tuple(directions.axes[0].tolist())
    return Directions(leaf.shape[0], leaf.shape[1], isinstance(directions, OneHot), axes, channels)


def _pass_plan(way: Arrangement, chunk_size: int | None, names: Sequence[str]) -> PassPlan:
    shared, large = split_large(way.shared, chunk_size)
    passes = [_planned_pass(shared)]
    for chunks in large:
        first = jax.tree.map(lambda piece: piece[0], chunks.pieces())
        passes.append(_planned_pass(chunks.arrange(first), chunks.number))
    compositions = []
    for composition in way.composed:
        outer = None if chunk_size is None else max(1, chunk_size // composition.right.cost)
        left, right = (
            _pass_plan(side, size, names)
            for side, size in ((composition.left, outer), (composition.right, chunk_size))
        )
        compositions.append(PlannedComposition(names[composition.term.operator], left, right))
    return PassPlan(way.name, tuple(passes), tuple(compositions))


def _planned_pass(taken: Pass, repeats: int = 1) -> PlannedPass:
    layout = taken.layout
    directions = tuple(
        _directions(d, _in_order(c.monomial for c in layout.channels if c.block == block))
        for block, d in enumerate(taken.directions)
    )
    sums = tuple(
        Sum(
            tuple((channel.block, channel.monomial) for channel in top.weights),
            1 if top.collapsed else directions[next(iter(top.weights)).block].samples,
        )
        for top in layout.tops
    )
    return PlannedPass(directions, sums, repeats)


def _in_order(monomials: Iterable[Monomial]) -> tuple[Monomial, ...]:
    """Low degrees first, and first directions first."""
    return tuple(sorted(monomials, key=lambda m: (sum(m), *(-power for power in m))))
