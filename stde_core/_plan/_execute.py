"""A schedule carried out: passes through the Taylor engine, chunks, and compositions."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._taylor import Expansion, expand_model, factorial, primal, read, vary, varying_axes
from .._terms import AbstractFamily, factors, partials_of
from .._terms._tangents import AbstractDirections, Draw, OneHot, Tangents
from .._types import Model, Point
from ._schedule import FEW, Composition, Outline, Pass, Request, Schedule, Target

Samples: TypeAlias = dict[Target, Any]
"""Weighted terms `[n, *out]` by operator and draw; draw None for what needs no spread, `[1, *out]`."""


class Term(NamedTuple):
    """A family of the operator with that number, and its tangents from the draw at that place.

    These are shapes at first where a composition may do without them.
    """

    operator: int
    place: int
    family: AbstractFamily
    draw: Draw
    all_terms: bool
    tangents: Tangents

    @staticmethod
    def of(
        operator: int, place: int, family: AbstractFamily, draw: Draw, all_terms: bool, x: Point
    ) -> "Term":
        """The term of a draw."""
        composed = all_terms and factors(family) is not None
        tangents = shapes_of(family.tangents, draw, x) if composed else family.tangents(draw, x)
        return Term(operator, place, family, draw, all_terms, tangents)

    @staticmethod
    def whole(family: AbstractFamily, x: Point) -> "Term":
        """A family on its own, every term once."""
        return Term.of(0, 0, family, Draw.all_terms(family.size), True, x)

    @property
    def sampled(self) -> bool:
        return self.draw.finite_population_correction != 0

    def along(self, number: int) -> Hashable:
        """A name of the directions, equal where terms share them; `number` is the term's own in the call."""
        key = self.tangents.directions.key
        return ("alone", number) if key is None else (self.place, key)

    def made(self, x: Point) -> "Term":
        """The same with arrays for tangents."""
        if isinstance(self.tangents.weights, jax.Array):
            return self
        return self._replace(tangents=self.family.tangents(self.draw, x))


def outlines(terms: Sequence[Term], x: Any) -> tuple[Outline, ...]:
    """The static part of terms, whose tangents may be shapes."""
    return tuple(_outline(i, term, x) for i, term in enumerate(terms))


def _outline(number: int, term: Term, x: Any) -> Outline:
    directions, weights = term.tangents.directions, term.tangents.weights
    samples, vectors = jax.tree.leaves(directions)[0].shape[:2]
    axes = directions.axes if isinstance(directions, OneHot) else None
    partials = partials_of(term.family, FEW) if term.all_terms else None
    pair = factors(term.family) if term.all_terms else None
    return Outline(
        operator=term.operator,
        draw=term.place,
        sampled=term.sampled,
        samples=samples,
        vectors=vectors,
        powers=term.tangents.powers,
        one_hot=axes is not None,
        axes=tuple(axes[0].tolist()) if isinstance(axes, np.ndarray) and samples == 1 else (),
        along=term.along(number),
        collapsible=term.tangents.covector is None
        and weights.ndim == 1
        and not jnp.issubdtype(weights.dtype, jnp.complexfloating),
        partials=tuple(tuple(p.items()) for p in partials) if partials else None,
        factors=(_whole_outline(pair[0], x), _whole_outline(pair[1], x)) if pair else None,
    )


def _whole_outline(family: AbstractFamily, x: Any) -> Outline:
    return _outline(0, shapes_of(Term.whole, family, x), x)


def shapes_of(function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns, with shapes in place of arrays: nothing is computed.

    NumPy arrays, which are known beforehand, stay what they are. The last argument is a point.
    """
    found: list[Any] = []

    def keep(x: Point) -> None:
        found.append(jax.tree.map(_shape_of, function(*args[:-1], x)))

    jax.eval_shape(keep, args[-1])
    return found[0]


def _shape_of(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if isinstance(leaf, jax.Array) else leaf


def execute(schedule: Schedule, terms: Sequence[Term], model: Model, x: Point) -> tuple[Any, Samples]:
    """u(x), None if the schedule leaves it out, and what the samples add to each operator."""
    composed = {composition.term for composition in schedule.compositions}
    terms = [term if i in composed else term.made(x) for i, term in enumerate(terms)]
    tangents = {i: term.tangents for i, term in enumerate(terms)}
    value, parts = None, []
    for planned in schedule.passes:
        if planned.repeats == 1:
            value, part = _run(planned, tangents, terms, model, x)
        else:
            part = _run_in_chunks(planned, terms, model, x)
        parts.append(part)
    parts += [_compose(each, terms[each.term].family, model, x) for each in schedule.compositions]
    samples: Samples = {}
    for target, total in (item for part in parts for item in part.items()):
        samples[target] = samples[target] + total if target in samples else total
    return value, samples


def _run(
    planned: Pass, tangents: Mapping[int, Tangents], terms: Sequence[Term], model: Model, x: Point
) -> tuple[Array, Samples]:
    truncation = planned.truncation
    blocks: list[AbstractDirections] = [
        OneHot(np.asarray([block.axes])) if block.term is None else tangents[block.term].directions
        for block in planned.blocks
    ]
    asked = [(request, _tangents_of(request, tangents)) for request in planned.requests]
    output = expand_model(model, x, blocks, Expansion(truncation, _weights(planned, asked)))
    value = jnp.asarray(primal(output))
    samples: Samples = defaultdict(lambda: 0)
    for i in planned.constants:
        samples[terms[i].operator, None] += tangents[i].weigh(value[None])
    for request, of_term in asked:
        if request.index in truncation.indices:
            derivatives = factorial(request.index.powers) * read(output, request.index, truncation)
            weighed = of_term.weigh(derivatives)
            kept_apart = request.target[1] is not None
            samples[request.target] += weighed if kept_apart else weighed.sum(0, keepdims=True)
    for key, target in zip(truncation.sums, planned.targets, strict=True):
        samples[target] += read(output, key, truncation)
    return value, samples


def _tangents_of(request: Request, tangents: Mapping[int, Tangents]) -> Tangents:
    """What weighs a request's coefficients: for a partial derivative one weight, or the common one."""
    of_term = tangents[request.term]
    if request.part is None:
        return of_term
    weights = of_term.weights[min(request.part, of_term.weights.shape[0] - 1)][None]
    return Tangents(of_term.directions, weights, request.index.powers)


def _weights(planned: Pass, asked: Sequence[tuple[Request, Tangents]]) -> tuple[dict[Any, Array], ...]:
    """The weights in the truncation's functionals, those of derivatives and not of their coefficients."""
    sums: dict[Target, dict[Any, Any]] = {target: {} for target in planned.targets}
    carried = set(planned.truncation.indices)
    for request, tangents in asked:
        if request.index not in carried:
            weights = tangents.weights * factorial(request.index.powers)
            total = sums[request.target]
            total[request.index] = total[request.index] + weights if request.index in total else weights
    return tuple(sums.values())


def _run_in_chunks(planned: Pass, terms: Sequence[Term], model: Model, x: Point) -> Samples:
    """The sums over all directions, one chunk after the other. Differentiated, each is computed anew."""
    numbers = dict.fromkeys(request.term for request in planned.requests)
    pieces = {i: _split(terms[i].tangents, planned.repeats) for i in numbers}

    @jax.checkpoint
    def one(tangents: dict[int, Tangents]) -> Samples:
        return dict(_run(planned, tangents, terms, model, x)[1])

    def add(total: Samples, tangents: dict[int, Tangents]) -> tuple[Samples, None]:
        return jax.tree.map(jnp.add, total, one(tangents)), None

    first = lambda pieces: one(jax.tree.map(lambda piece: piece[0], pieces))  # noqa: E731
    shapes = jax.eval_shape(first, pieces)
    start = jax.tree.map(lambda s: vary(jnp.zeros(s.shape, s.dtype), varying_axes(s)), shapes)
    return jax.lax.scan(add, start, pieces)[0]


def _split(tangents: Tangents, repeats: int) -> Tangents:
    """Chunks of equal length along a leading axis, the last one filled up with copies of weight 0."""
    samples = jax.tree.leaves(tangents.directions)[0].shape[0]
    length = -(-samples // repeats)
    missing = length * repeats - samples

    def chunks(array: Array | np.ndarray, mode: str = "edge") -> Array:
        padded = jnp.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)], mode=mode)
        return padded.reshape(repeats, length, *array.shape[1:])

    weights = jnp.broadcast_to(tangents.weights, (samples, *tangents.weights.shape[1:]))
    directions, covector = jax.tree.map(chunks, (tangents.directions, tangents.covector))
    return Tangents(directions, chunks(weights, "constant"), tangents.powers, covector)


def _compose(composition: Composition, family: AbstractFamily, model: Model, x: Point) -> Samples:
    parts = factors(family)
    assert parts is not None
    left, right = parts

    def inner(y: Point) -> Array:
        return _whole(composition.inner, right, model, y)

    return {(composition.operator, None): _whole(composition.outer, left, inner, x)[None]}


def _whole(schedule: Schedule, family: AbstractFamily, model: Model, x: Point) -> Array:
    """A family on its own, taken whole."""
    return execute(schedule, [Term.whole(family, x)], model, x)[1][0, None][0]
