"""What a tangent sampler promises."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._operators import (
    AbstractOperator,
    Biharmonic,
    Divergence,
    Laplacian,
    PowerSum,
    WeightedLaplacian,
    partials,
)
from .._plan import SamplingPlan, Unsupported
from .._samplers import AbstractTangentSampler, AllTerms
from .._terms import AbstractFamily
from .._terms._tangents import Draw, Tangents
from ..checks import check_count
from ._contract import (
    jit,
    require,
    require_mean,
    require_near,
    require_sentence,
    require_variance,
    run_clauses,
)
from ._models import cast, point
from ._shared import count_equations, require_bounded, require_dtype, require_round_trip

_NUM_SAMPLES = 3
_NUM_KEYS = 4000
# A symmetric tensor is known from its contractions along enough covectors.
_NUM_COVECTORS = 12


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
    run_clauses(
        f"check_sampler({type(sampler).__name__}(…))",
        [refusals, round_trip, draws, moments, standard_error, keys, transforms, dtypes, trace],
        lambda: _Subject(cast(sampler, float), dim, jax.random.key(0) if key is None else key),
    )


def _operators(dim: int) -> dict[str, AbstractOperator]:
    d: Any = partials(dim)
    return {
        "Laplacian()": Laplacian(),
        "Laplacian(axes=slice(0, -1))": Laplacian(axes=slice(0, -1)),
        "WeightedLaplacian(diagonal)": WeightedLaplacian(np.linspace(0.5, 1.5, dim)),
        "WeightedLaplacian(matrix)": WeightedLaplacian(np.cos(np.arange(4.0 * dim)).reshape(dim, 4)),
        "PowerSum(3)": PowerSum(3),
        "sum of mixed derivatives": d[0] * d[1] + d[1] * d[2] - d[2] * d[3],
        "Divergence()": Divergence(),
        "Biharmonic()": Biharmonic(),
    }


@dataclass(frozen=True)
class _Subject:
    """A sampler on the operators that it accepts, by name."""

    sampler: AbstractTangentSampler
    dim: int
    key: Array

    @cached_property
    def reasons(self) -> dict[str, str | None]:
        return {name: self._reason(o) for name, o in _operators(self.dim).items()}

    @cached_property
    def names(self) -> list[str]:
        return [name for name, reason in self.reasons.items() if reason is None]

    def _reason(self, operator: AbstractOperator) -> str | None:
        try:
            self._plan_of([operator])
        except Unsupported as reason:
            return str(reason)
        return None

    def _plan_of(self, operators: list[AbstractOperator]) -> SamplingPlan:
        return SamplingPlan(operators, self.dim, self.sampler, _NUM_SAMPLES)

    @cached_property
    def plan(self) -> SamplingPlan:
        """All operators together, so that they share draws where they may."""
        return self._plan_of([_operators(self.dim)[name] for name in self.names])

    @cached_property
    def drawn_families(self) -> list[AbstractFamily]:
        return [group.widest for group in self.plan.groups if not group.whole]

    @cached_property
    def keys(self) -> Array:
        return jax.random.split(self.key, _NUM_KEYS)

    @cached_property
    def tensors(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per operator the drawn tensors, and their reported variances, along covectors, over the keys."""
        found = jit(jax.vmap(lambda key: self._along_covectors(self.plan, key)))(self.keys)
        return jax.tree.map(np.asarray, found)

    @cached_property
    def coefficients(self) -> list[np.ndarray]:
        """Per operator the coefficient tensor along the same covectors."""
        operators = [_operators(self.dim)[name] for name in self.names]
        plan = SamplingPlan(operators, self.dim, AllTerms(), 1)
        return [np.asarray(total) for total, _ in self._along_covectors(plan, None)]

    def _along_covectors(self, plan: SamplingPlan, key: Array | None) -> list[tuple[Array, Array]]:
        """Sums over the samples, and their variances, 0 for what is taken whole."""
        found: dict[int, tuple[Array, Array]] = {}
        for group, draw in plan.draws(key):
            for member in group.members:
                terms = _contract(member.family.tangents(draw, point(self.dim)), self.dim)
                found[member.operator] = (terms.sum(0), _variance(terms, draw.finite_population_correction))
        return [found[number] for number in range(len(found))]


def _contract(tangents: Tangents, dim: int) -> Array:
    """The weighted samples, contracted along covectors w, `[n, covectors]`: `Π_m (w·v_m)^p_m` each.

    That is the derivative of a power of w·x; where the output is paired with a covector too, of that
    times a vector z.
    """
    w = jnp.cos(jnp.arange(1.0, _NUM_COVECTORS * dim + 1)).reshape(_NUM_COVECTORS, dim)
    z = jnp.sin(jnp.arange(1.0, dim + 1))
    vectors = tangents.directions.dense(dim, w.dtype)
    powers = jnp.asarray(tangents.powers)

    def along(w: Array) -> Array:
        values = jnp.prod((vectors @ w) ** powers, axis=-1)
        return tangents.weigh(values if tangents.covector is None else values[:, None] * z)

    return jax.vmap(along, out_axes=1)(w)


def _variance(terms: Array, correction: float) -> Array:
    return correction * terms.shape[0] * jnp.var(terms, axis=0, ddof=1) if correction else 0 * terms[0]


def refusals(subject: _Subject) -> None:
    for name, reason in subject.reasons.items():
        if reason is not None:
            require_sentence(f"`refuses` of {name}", reason)
            require(reason[-1] not in ".!", f"`refuses` ends with a full stop, which is added: {reason!r}.")
    require(subject.names, f"every operator is refused: {subject.reasons}.")


def round_trip(subject: _Subject) -> None:
    require_round_trip(subject.sampler)


def draws(subject: _Subject) -> None:
    for family in subject.plan.families:
        takes_all = subject.sampler.takes_all(family, _NUM_SAMPLES)
        require(isinstance(takes_all, bool), f"`takes_all` needs to be a bool, got {takes_all!r}.")
        hash(subject.sampler.space(family))
    for family in subject.drawn_families:
        _require_draw(family, subject.sampler(family, _NUM_SAMPLES, key=subject.key))


def _require_draw(family: AbstractFamily, draw: Draw) -> None:
    n = _NUM_SAMPLES
    require(
        draw.weights.shape == (n,), f"{n} samples have weights of shape {draw.weights.shape}, not ({n},)."
    )
    require((draw.indices is None) != (draw.noise is None), "a draw needs either `indices` or `noise`.")
    if draw.indices is not None:
        indices = np.asarray(draw.indices)
        inside = indices.shape == (n,) and np.all((indices >= 0) & (indices < family.size))
        require(inside, f"`indices` needs {n} integers from 0 to {family.size - 1}, got {indices}.")
    if draw.noise is not None:
        require(family.isotropic is not None, "`noise` is drawn for a family without a dense law.")
        assert family.isotropic is not None
        shape = (n, family.isotropic.vectors, family.isotropic.size)
        require(draw.noise.shape == shape, f"`noise` has shape {draw.noise.shape}, the law asks for {shape}.")


def moments(subject: _Subject) -> None:
    expected = zip(subject.names, subject.tensors, subject.coefficients, strict=True)
    for name, (samples, _), coefficients in expected:
        require_mean(f"drawn tensors of {name}", samples, coefficients)


def standard_error(subject: _Subject) -> None:
    for name, (samples, variances) in zip(subject.names, subject.tensors, strict=True):
        require_variance(name, samples, variances)


def keys(subject: _Subject) -> None:
    for family in subject.drawn_families:
        first, again, *others = (_draw(subject, family)(key) for key in (subject.keys[0], *subject.keys[:10]))
        jax.tree.map(lambda a, b: require_near("for the same key a draw", b, a), first, again)
        same = [all(map(np.array_equal, *map(jax.tree.leaves, (first, other)))) for other in others]
        require(not all(same), f"ten keys give one and the same draw of {family.size} terms.")


def _draw(subject: _Subject, family: AbstractFamily) -> Callable[[Array], Any]:
    return lambda key: subject.sampler(family, _NUM_SAMPLES, key=key)


def transforms(subject: _Subject) -> None:
    for family in subject.drawn_families:
        plain = _draw(subject, family)(subject.keys[1])
        mapped = jit(jax.vmap(_draw(subject, family)))(subject.keys[:2])
        jax.tree.map(
            lambda m, p: require_near("under jit and vmap a draw", m[1], p, why="the plain one"),
            mapped,
            plain,
        )


def dtypes(subject: _Subject) -> None:
    with jax.enable_x64(False):
        for family in subject.drawn_families:
            drawn = jax.eval_shape(_draw(subject, family), jax.random.key(0))
            require_dtype("a draw", drawn, jnp.float32)


def trace(subject: _Subject) -> None:
    sizes = {"the dimension": ((80, 4), (320, 4)), "`num_samples`": ((80, 4), (80, 16))}
    for what, ((dim, number), (more, samples)) in sizes.items():
        few, many = _equations(subject.sampler, dim, number), _equations(subject.sampler, more, samples)
        if few is not None and many is not None:
            require_bounded(what, few, many)


def _equations(sampler: AbstractTangentSampler, dim: int, num_samples: int) -> int | None:
    """The length of the trace of a draw for a Laplacian; None where it is refused or not drawn."""
    (family,) = Laplacian().families(dim)
    if sampler.takes_all(family, num_samples) or sampler.refuses((family,), num_samples) is not None:
        return None
    return count_equations(lambda key: sampler(family, num_samples, key=key), jax.random.key(0))
