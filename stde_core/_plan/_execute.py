"""Running a schedule: passes through the Taylor engine, chunks, and compositions."""

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
from ._schedule import MAX_PARTIALS, Composition, Outline, Pass, Request, Schedule, Target

Samples: TypeAlias = dict[Target, Any]
"""Weighted terms by operator and draw: `[n, *out]`, or their sum `[1, *out]` for draw None."""


class Term(NamedTuple):
    """A family of operator number `operator`, with its tangents from draw number `place`.

    The tangents of a family that may become a composition hold shapes until a schedule needs them.
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
        """All terms of a family by itself."""
        return Term.of(0, 0, family, Draw.all_terms(family.size), True, x)

    @property
    def sampled(self) -> bool:
        return self.draw.finite_population_correction != 0

    def along(self, number: int) -> Hashable:
        """A key of the directions, equal for terms that share them; `number` is that of the term."""
        key = self.tangents.directions.key
        return ("alone", number) if key is None else (self.place, key)

    def made(self, x: Point) -> "Term":
        """The same with arrays in its tangents."""
        if isinstance(self.tangents.weights, jax.Array):
            return self
        return self._replace(tangents=self.family.tangents(self.draw, x))


def outlines(terms: Sequence[Term], x: Any) -> tuple[Outline, ...]:
    """The static part of each term; tangents may hold shapes."""
    return tuple(_outline(i, term, x) for i, term in enumerate(terms))


def _outline(number: int, term: Term, x: Any) -> Outline:
    directions, weights = term.tangents.directions, term.tangents.weights
    samples, vectors = jax.tree.leaves(directions)[0].shape[:2]
    axes = directions.axes if isinstance(directions, OneHot) else None
    partials = partials_of(term.family, MAX_PARTIALS) if term.all_terms else None
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
    """The output of a function, with shapes in place of arrays: nothing is computed.

    NumPy arrays are known without a computation, and stay. The last argument is a point.
    """
    outputs: list[Any] = []

    # A side effect, since `jax.eval_shape` would turn NumPy arrays into shapes and refuse static objects.
    def keep(x: Point) -> None:
        outputs.append(jax.tree.map(_shape_of, function(*args[:-1], x)))

    jax.eval_shape(keep, args[-1])
    return outputs[0]


def _shape_of(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if isinstance(leaf, jax.Array) else leaf


def execute(schedule: Schedule, terms: Sequence[Term], model: Model, x: Point) -> tuple[Any, Samples]:
    """u(x), or None if the schedule leaves it out, and the samples of each operator."""
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
    weighted = [(request, _tangents_of(request, tangents)) for request in planned.requests]
    output = expand_model(model, x, blocks, Expansion(truncation, _weights(planned, weighted)))
    value = jnp.asarray(primal(output))
    samples: Samples = defaultdict(lambda: 0)
    for i in planned.constants:
        samples[terms[i].operator, None] += tangents[i].weigh(value[None])
    for request, of_term in weighted:
        if request.index in truncation.indices:
            derivatives = factorial(request.index.powers) * read(output, request.index, truncation)
            weighed = of_term.weigh(derivatives)
            apart = request.target[1] is not None
            samples[request.target] += weighed if apart else weighed.sum(0, keepdims=True)
    for key, target in zip(truncation.sums, planned.targets, strict=True):
        samples[target] += read(output, key, truncation)
    return value, samples


def _tangents_of(request: Request, tangents: Mapping[int, Tangents]) -> Tangents:
    """The tangents with the weights of a request: for a partial derivative its one weight."""
    of_term = tangents[request.term]
    if request.part is None:
        return of_term
    weights = of_term.weights[min(request.part, of_term.weights.shape[0] - 1)][None]
    return Tangents(of_term.directions, weights, request.index.powers)


def _weights(planned: Pass, weighted: Sequence[tuple[Request, Tangents]]) -> tuple[dict[Any, Array], ...]:
    """The weights in the truncation's functionals, times the `α!` from coefficients to derivatives."""
    sums: dict[Target, dict[Any, Any]] = {target: {} for target in planned.targets}
    carried = set(planned.truncation.indices)
    for request, tangents in weighted:
        if request.index not in carried:
            weights = tangents.weights * factorial(request.index.powers)
            total = sums[request.target]
            total[request.index] = total[request.index] + weights if request.index in total else weights
    return tuple(sums.values())


def _run_in_chunks(planned: Pass, terms: Sequence[Term], model: Model, x: Point) -> Samples:
    """The sums over all directions, one chunk after the other, to bound memory."""
    numbers = dict.fromkeys(request.term for request in planned.requests)
    pieces = {i: _split(terms[i].tangents, planned.repeats) for i in numbers}

    # Under a gradient each chunk is computed again, or all chunks would be in memory at once.
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
    """Chunks of equal length along a leading axis; copies of weight 0 fill up the last one."""
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
    """The value of a family by itself."""
    return execute(schedule, [Term.whole(family, x)], model, x)[1][0, None][0]
