"""What a tangent sampler promises."""

from collections.abc import Callable, Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._samplers import AbstractTangentSampler
from .._terms import AbstractFamily
from .._terms._tangents import Draw
from ..checks import check_count
from ._clauses import moments, refusals, require_dtype, round_trip, standard_error, trace
from ._contract import jit, require, require_near, run_clauses
from ._subject import Sampled, Subject, cast, operators_of_all_kinds

_NUM_SAMPLES = 3


def check_sampler(sampler: AbstractTangentSampler, dim: int = 6, *, key: Array | None = None) -> None:
    """Checks that a sampler keeps the contract of `AbstractTangentSampler`.

    It draws three samples for Laplacians, weighted ones, a sum of third powers, mixed derivatives, a
    divergence and a biharmonic operator in `dim` ≥ 4 dimensions, for 4000 keys split from `key`. The
    clauses:

    - *refusals*: `refuses` returns None or a sentence that begins with a verb and ends without a full
      stop; some operator is not refused.
    - *round trip*: a PyTree with static parts that hash.
    - *draws*: a draw has one weight per sample, and indices of terms of the family, or noise of the
      shape that the family's law asks for; `takes_all` is a bool, `space` hashes.
    - *moments*: the mean of the drawn tensor is the operator's coefficient tensor, within five
      standard errors, for each operator that is not refused; also where families share a draw.
    - *standard error*: the draw's `finite_population_correction` makes the reported variance that of the
      drawn tensor.
    - *keys*: equal keys give equal draws, different ones different draws.
    - *transforms*: the same draws plain, under jit and under vmap.
    - *dtypes*: float32 without x64.
    - *trace*: neither more dimensions nor more samples make the jaxpr much longer.

    Raises `AssertionError` with a sentence that names the first clause that broke, `ValueError` for
    fewer than four dimensions.
    """
    check_count("check_sampler(…, dim)", dim, least=4)

    def subject() -> Subject:
        # As many outputs as dimensions: a divergence has more terms than there are samples.
        tested, asked = cast(sampler, float), operators_of_all_kinds(dim, out=dim)
        return Subject(tested, "drawn tensor", Sampled(tested, _NUM_SAMPLES), asked, dim, dim, key)

    clauses = [refusals, round_trip, draws, moments, standard_error, keys, transforms, dtypes, trace]
    run_clauses(f"check_sampler({type(sampler).__name__}(…))", clauses, subject)


def draws(subject: Subject) -> None:
    for family in subject.plan.families:
        takes_all = subject.tested.takes_all(family, _NUM_SAMPLES)
        require(isinstance(takes_all, bool), f"`takes_all` needs to be a bool, got {takes_all!r}.")
        hash(subject.tested.space(family))
    for family, draw in _drawn(subject):
        _require_draw(family, draw(subject.keys[0]))


def _drawn(subject: Subject) -> Iterator[tuple[AbstractFamily, Callable[[Array], Draw]]]:
    """Families that stand for those that share a draw, each with how it is drawn by a key."""
    for group in subject.plan.groups:
        if not group.whole:
            yield group.widest, lambda key, g=group: subject.tested(g.widest, _NUM_SAMPLES, key=key)


def _require_draw(family: AbstractFamily, draw: Draw) -> None:
    n, weights, law = _NUM_SAMPLES, draw.weights, family.isotropic
    correction = draw.finite_population_correction
    require(weights.shape == (n,), f"{n} samples have weights of shape {weights.shape}, not ({n},).")
    require(correction >= 0, f"`finite_population_correction` is {correction}, expected a number ≥ 0.")
    require((draw.indices is None) != (draw.noise is None), "a draw needs either `indices` or `noise`.")
    if draw.indices is not None:
        indices = np.asarray(draw.indices)
        inside = indices.shape == (n,) and np.all((indices >= 0) & (indices < family.size))
        require(inside, f"`indices` needs {n} integers from 0 to {family.size - 1}, got {indices}.")
    if draw.noise is not None:
        require(law is not None, "`noise` is drawn for a family without a dense law.")
        assert law is not None
        shape = (n, law.vectors, law.size)
        require(draw.noise.shape == shape, f"`noise` has shape {draw.noise.shape}, the law asks for {shape}.")


def keys(subject: Subject) -> None:
    for family, draw in _drawn(subject):
        first, again, *others = map(draw, (subject.keys[0], *subject.keys[:10]))
        jax.tree.map(lambda a, b: require_near("for the same key a draw", b, a), first, again)
        same = [eqx.tree_equal(first, other) for other in others]
        require(not all(same), f"ten keys give one and the same draw of {family.size} terms.")


def transforms(subject: Subject) -> None:
    def compare(mapped: Array, plain: Array) -> None:
        require_near("under jit and vmap a draw", mapped[1], plain, why="the plain one")

    for _, draw in _drawn(subject):
        jax.tree.map(compare, jit(jax.vmap(draw))(subject.keys[:2]), draw(subject.keys[1]))


def dtypes(subject: Subject) -> None:
    with jax.enable_x64(False):
        for _, draw in _drawn(subject):
            require_dtype("a draw", jax.eval_shape(draw, jax.random.key(0)), jnp.float32)
