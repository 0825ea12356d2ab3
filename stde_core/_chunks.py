"""Whole families of many terms, a bounded number of directions at a time."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._pass import Pass, Samples, Term, arrange
from ._tangents import Tangents
from ._taylor import vary, varying_axes
from ._types import Model, Point


@dataclass(frozen=True, eq=False)
class Chunks:
    """Terms along the same directions, `chunk_size` or fewer of them in one pass after the other."""

    terms: Sequence[Term]
    chunk_size: int

    @property
    def number(self) -> int:
        return -(-self.terms[0].num_samples // self.chunk_size)

    def pieces(self) -> list[Tangents]:
        """The tangents of each term, with the chunks as leading axis."""
        return [_split(term.tangents, term.num_samples, self.number) for term in self.terms]

    def arrange(self, tangents: Sequence[Tangents]) -> Pass:
        """The pass for one chunk."""
        terms = [t._replace(tangents=piece) for t, piece in zip(self.terms, tangents, strict=True)]
        return arrange(terms, per_sample=False, along_axes=False)

    def evaluate(self, model: Model, x: Point) -> Samples:
        """The sums over all directions. Differentiated, each chunk is computed anew."""
        pieces = self.pieces()

        @jax.checkpoint
        def one(tangents: list[Tangents]) -> Samples:
            return self.arrange(tangents).evaluate(model, x)[1]

        def add(total: Samples, tangents: list[Tangents]) -> tuple[Samples, None]:
            return jax.tree.map(jnp.add, total, one(tangents)), None

        shapes = jax.eval_shape(one, jax.tree.map(lambda piece: piece[0], pieces))
        start = jax.tree.map(lambda s: vary(jnp.zeros(s.shape, s.dtype), varying_axes(s)), shapes)
        return jax.lax.scan(add, start, pieces)[0]


def _split(tangents: Tangents, samples: int, number: int) -> Tangents:
    """Chunks of equal length, the last one filled up with copies of weight 0."""
    length = -(-samples // number)
    missing = length * number - samples

    def chunks(array: Array | np.ndarray) -> Array:
        padded = jnp.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)], mode="edge")
        return padded.reshape(number, length, *array.shape[1:])

    weights = jnp.broadcast_to(tangents.weights, (samples, *tangents.weights.shape[1:]))
    padded = jnp.pad(weights, [(0, missing), *[(0, 0)] * (weights.ndim - 1)])
    directions, covector = jax.tree.map(chunks, (tangents.directions, tangents.covector))
    return Tangents(directions, padded.reshape(number, length, *weights.shape[1:]), tangents.powers, covector)


def split_large(shared: Pass, chunk_size: int | None) -> tuple[Pass, list[Chunks]]:
    """A pass without its large whole terms, and these in chunks."""
    large, rest = [], []
    for term in shared.terms:
        chunked = chunk_size and not term.sampled and term.num_samples > chunk_size
        (large if chunked else rest).append(term)
    if not large:
        return shared, []
    groups: dict[Hashable, list[Term]] = defaultdict(list)
    for position, term in enumerate(large):
        groups[term.along(position)].append(term)
    assert chunk_size is not None
    chunks = [Chunks(terms, chunk_size) for terms in groups.values()]
    return arrange(rest, per_sample=shared.per_sample, along_axes=shared.along_axes), chunks
