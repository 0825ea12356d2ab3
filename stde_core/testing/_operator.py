"""What an operator promises."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._estimate import estimate
from .._operators import AbstractOperator, Gradient
from .._plan import AbstractEstimator, Contraction, SamplingPlan
from .._samplers import AbstractTangentSampler, AllTerms, Gaussian, Rademacher, Sparse
from .._terms import AbstractFamily, IsotropicRepresentation
from .._terms._tangents import Draw
from .._types import Model, Point
from ..checks import check_count
from ._contract import jit, require, require_mean, require_near, require_sentence, run_clauses
from ._models import cast, contract, network, point, points
from ._shared import count_equations, require_bounded, require_dtype, require_round_trip, require_transforms

_NUM_SAMPLES = 2
_NUM_KEYS = 4000


def check_operator(
    operator: AbstractOperator,
    dim: int = 4,
    *,
    key: Array | None = None,
    out: int | None = None,
    reference: Callable[[Model, Point], Array] | None = None,
) -> None:
    """Checks that an operator keeps the contract of `AbstractOperator`, and its families theirs.

    It is applied to a small network in `dim` dimensions, with a scalar output, `out` outputs, or as
    many as its families need. `reference(model, x)` is the operator as plain JAX says it, by
    `jax.hessian` for instance: without it only the operator's ways of saying the same are compared.
    The clauses:

    - *families*: a tuple of families, the same in every call, with positive powers and sizes.
    - *round trip*: a PyTree with static parts that hash.
    - *exact*: all terms, contracted by nested forward mode in float64, give what the Taylor engine gives
      for them, and what `reference` gives.
    - *terms*: picked by index in any order, weighted, they give the same sum; so random terms are
      unbiased.
    - *dense law*: Gaussian and, for second moments, Rademacher tangents have the same mean, within five
      standard errors over 4000 keys.
    - *algebra*: 2L, −L, L + L and fL, f a function of x, are what they say.
    - *transforms*: the same values plain, under jit, vmap and in a loop; gradients in the parameters of
      the model and in the operator's arrays agree with central differences.
    - *dtypes*: float32 in, float32 out; float64 likewise.
    - *dimensions*: in fewer dimensions it works, or raises `ValueError` with a sentence.
    - *trace*: more dimensions do not make the jaxpr much longer.

    Raises `AssertionError` with a sentence that names the first clause that broke.
    """
    check_count("check_operator(…, dim)", dim)
    key = jax.random.key(0) if key is None else key
    clauses = [families, round_trip, exact, transforms, dtypes]
    if not isinstance(operator, Gradient):  # which has a value, and no families
        clauses[3:3] = [terms, dense_law, algebra]
        clauses += [dimensions, trace]
    run_clauses(
        f"check_operator({type(operator).__name__}(…))",
        clauses,
        lambda: _Subject(cast(operator, float), dim, key, out, reference),
    )


@dataclass(frozen=True)
class _Subject:
    """An operator on a model."""

    operator: AbstractOperator
    dim: int
    key: Array
    out: int | None
    reference: Callable[[Model, Point], Array] | None

    @cached_property
    def families(self) -> tuple[AbstractFamily, ...]:
        return () if isinstance(self.operator, Gradient) else self.operator.families(self.dim)

    @cached_property
    def model(self) -> Any:
        needed = [f.output_size for f in self.families if f.output_size is not None]
        return network(self.dim, self.out or (needed[0] if needed else "scalar"))

    @cached_property
    def x(self) -> Array:
        return point(self.dim)

    @cached_property
    def value(self) -> np.ndarray:
        """All terms, by nested forward mode."""
        return np.asarray(jit(lambda: _all_terms(self.operator, self.model, self.x, contract))())


class _AllTerms(AbstractEstimator):
    """Every term, by the Taylor engine or another contraction."""

    contract: Contraction | None = eqx.field(static=True)

    def plan(self, operators, dim, *, standard_error, model=None) -> SamplingPlan:
        how = {"standard_error": standard_error, "contract": self.contract}
        return SamplingPlan(operators, dim, AllTerms(), 1, **how)


def _all_terms(operators: Any, model: Model, x: Point, contract: Contraction | None = None) -> Any:
    return estimate(operators, model, x, _AllTerms(contract), standard_error=False).value


def families(subject: _Subject) -> None:
    if isinstance(subject.operator, Gradient):
        return
    found = subject.operator.families(subject.dim)
    proper = isinstance(found, tuple) and found and all(isinstance(f, AbstractFamily) for f in found)
    require(proper, f"`families({subject.dim})` needs to be a tuple of families, got {found!r}.")
    again = jax.tree.structure(subject.operator.families(subject.dim))
    # Functions of x may be made anew in each call, so that they are counted, and not compared.
    require(again.num_leaves == jax.tree.structure(found).num_leaves, "a second call gives other families.")
    for family in found:
        _require_family(family)


def _require_family(family: AbstractFamily) -> None:
    positive = isinstance(family.powers, tuple) and all(isinstance(p, int) and p > 0 for p in family.powers)
    require(positive, f"`powers` needs to be a tuple of positive integers, got {family.powers!r}.")
    require(
        isinstance(family.size, int) and family.size > 0,
        f"`size` needs to be a positive integer, got {family.size!r}.",
    )
    is_law = family.isotropic is None or isinstance(family.isotropic, IsotropicRepresentation)
    require(
        is_law, f"`isotropic` needs to be an `IsotropicRepresentation` or None, got {family.isotropic!r}."
    )
    hash(family.index_set)


def round_trip(subject: _Subject) -> None:
    require_round_trip(subject.operator)


def exact(subject: _Subject) -> None:
    require(np.all(np.isfinite(subject.value)), f"its value is {subject.value}.")
    by_taylor = jit(lambda: _all_terms(subject.operator, subject.model, subject.x))()
    require_near("by the Taylor engine the value", by_taylor, subject.value, why="by nested derivatives it")
    if subject.reference is not None:
        expected = jit(lambda: subject.reference(subject.model, subject.x))()  # pyright: ignore[reportOptionalCall]
        require_near("the value", subject.value, expected, why="that of `reference`")


def terms(subject: _Subject) -> None:
    for family in filter(lambda family: family.size > 1, subject.families):
        whole = _sum(subject, family, Draw.all_terms(family.size))
        order = jax.random.permutation(subject.key, family.size)
        shuffled = Draw(jnp.full(family.size, 2.0), indices=order)
        require_near(
            f"with weights of 2 and in another order, the sum of {family.size} terms",
            _sum(subject, family, shuffled),
            2 * whole,
        )


def _sum(subject: _Subject, family: AbstractFamily, draw: Draw) -> Array:
    def total() -> Array:
        tangents = family.tangents(draw, subject.x)
        (values,) = contract(subject.model, subject.x, tangents.directions, (tangents.powers,))
        return tangents.weigh(values).sum(0)

    return jit(total)()


def dense_law(subject: _Subject) -> None:
    laws = [family.isotropic for family in subject.families if family.isotropic is not None]
    if laws:
        _require_unbiased(subject, Gaussian())
    if laws and all(law.moment == 2 for law in laws):
        _require_unbiased(subject, Rademacher())


def _require_unbiased(subject: _Subject, sampler: AbstractTangentSampler) -> None:
    plan = SamplingPlan(subject.operator, subject.dim, sampler, _NUM_SAMPLES, standard_error=False)
    run = jit(jax.vmap(lambda key: plan.run(subject.model, subject.x, key=key).value))
    samples = run(jax.random.split(subject.key, _NUM_KEYS))
    require_mean(f"estimates by {type(sampler).__name__} tangents", samples, subject.value)


def algebra(subject: _Subject) -> None:
    L, x = subject.operator, subject.x
    asked = {"2L": 2 * L, "-L": -L, "L + L": L + L, "fL": (lambda x: 1 + x[0]) * L}
    found = jit(lambda: _all_terms(asked, subject.model, x))()
    for name, factor in {"2L": 2, "-L": -1, "L + L": 2, "fL": 1 + np.asarray(x)[0]}.items():
        require_near(f"the value of {name}", found[name], factor * subject.value)


def transforms(subject: _Subject) -> None:
    def value(trained: Any, x: Array, key: Array) -> Array:
        operator, model = trained
        return _all_terms(operator, model, x)

    trained = (subject.operator, subject.model)
    require_transforms(value, trained, points(2, subject.dim), jax.random.split(subject.key, 2))


def dtypes(subject: _Subject) -> None:
    for dtype in (jnp.float32, jnp.float64):
        arguments = cast((subject.operator, subject.model, subject.x), dtype)
        found = eqx.filter_eval_shape(_all_terms, *arguments)
        require_dtype(f"at a point of {np.dtype(dtype)} the value", found, dtype)


def dimensions(subject: _Subject) -> None:
    for dim in range(1, subject.dim):
        try:
            subject.operator.families(dim)
        except ValueError as error:
            require_sentence(f"what is said of {dim} dimensions", str(error))


def trace(subject: _Subject) -> None:
    for sampler in (AllTerms(), Sparse()):
        few, many = (_equations(subject, sampler, dim) for dim in (80, 320))
        if few is not None and many is not None:
            require_bounded("the dimension", few, many)


def _equations(subject: _Subject, sampler: AbstractTangentSampler, dim: int) -> int | None:
    """The length of the trace in another dimension; None where the operator has no meaning there."""
    try:
        plan = SamplingPlan(subject.operator, dim, sampler, _NUM_SAMPLES, standard_error=False)
    except ValueError:
        return None
    needed = [f.output_size for f in plan.families if f.output_size is not None]
    model = network(dim, subject.out or (needed[0] if needed else "scalar"))
    return count_equations(lambda x, key: plan.run(model, x, key=key).value, jnp.ones(dim), subject.key)
