"""What an operator promises."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._operators import AbstractOperator, Gradient
from .._plan import SamplingPlan
from .._samplers import AllTerms, Gaussian, Rademacher, Sparse
from .._taylor import nested
from .._terms import AbstractFamily, IsotropicRepresentation
from .._terms._tangents import Draw
from .._types import Model, Point
from ..checks import check_count
from ._clauses import dtypes, equations, require_bounded, round_trip, transforms
from ._contract import jit, require, require_mean, require_near, require_sentence, run_clauses
from ._subject import Sampled, Subject, cast


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
    clauses = [families, round_trip, exact, terms, dense_law, algebra, transforms, dtypes, dimensions, trace]
    if isinstance(operator, Gradient):  # which has a value, and no families
        clauses = [round_trip, exact, transforms, dtypes]

    def subject() -> Subject:
        tested = cast(operator, float)
        return Subject(tested, "value", Sampled(AllTerms(), 1), {"L": tested}, dim, out, key, reference)

    run_clauses(f"check_operator({type(operator).__name__}(…))", clauses, subject)


def families(subject: Subject) -> None:
    found, again = (subject.tested.families(subject.dim) for _ in range(2))
    proper = isinstance(found, tuple) and found and all(isinstance(f, AbstractFamily) for f in found)
    require(proper, f"`families({subject.dim})` needs to be a tuple of families, got {found!r}.")
    # Functions of x may be made anew in each call, so that they are counted, and not compared.
    same = len(jax.tree.leaves(again)) == len(jax.tree.leaves(found))
    require(same, "a second call gives other families.")
    for family in found:
        _require_family(family.powers, family.size, family.isotropic)
        hash(family.index_set)


def _require_family(powers: Any, size: Any, law: Any) -> None:
    positive = isinstance(powers, tuple) and all(isinstance(p, int) and p > 0 for p in powers)
    require(positive, f"`powers` needs to be a tuple of positive integers, got {powers!r}.")
    require(isinstance(size, int) and size > 0, f"`size` needs to be a positive integer, got {size!r}.")
    is_law = law is None or isinstance(law, IsotropicRepresentation)
    require(is_law, f"`isotropic` needs to be an `IsotropicRepresentation` or None, got {law!r}.")


def exact(subject: Subject) -> None:
    value = subject.exact["L"]
    require(np.all(np.isfinite(value)), f"its value is {value}.")
    by_taylor = subject.all_terms(subject.tested)
    require_near("by the Taylor engine the value", by_taylor, value, why="by nested derivatives it")
    if subject.reference is not None:
        expected = jit(partial(subject.reference, subject.model))(subject.x)
        require_near("the value", value, expected, why="that of `reference`")


def terms(subject: Subject) -> None:
    for family in filter(lambda family: family.size > 1, subject.plan.families):
        order = jax.random.permutation(subject.keys[0], family.size)
        shuffled = _sum(subject, family, Draw(jnp.full(family.size, 2.0), indices=order))
        whole = _sum(subject, family, Draw.all_terms(family.size))
        what = f"with weights of 2 and in another order, the sum of {family.size} terms"
        require_near(what, shuffled, 2 * whole)


def _sum(subject: Subject, family: AbstractFamily, draw: Draw) -> Array:
    def total(x: Point) -> Array:
        tangents = family.tangents(draw, x)
        (values,) = nested(subject.model, x, tangents.directions, (tangents.powers,))
        return tangents.weigh(values).sum(0)

    return jit(total)(subject.x)


def dense_law(subject: Subject) -> None:
    moments = {law.moment for family in subject.plan.families if (law := family.isotropic)}
    samplers = [Gaussian()] if moments else []
    for sampler in [*samplers, Rademacher()] if moments == {2} else samplers:
        plan = SamplingPlan(subject.tested, subject.dim, sampler, 2, standard_error=False)
        run = jit(jax.vmap(lambda key, plan=plan: plan.run(subject.model, subject.x, key=key).value))
        what = f"estimates by {type(sampler).__name__} tangents"
        require_mean(what, np.asarray(run(subject.keys)), subject.exact["L"])


def algebra(subject: Subject) -> None:
    L, x = subject.tested, np.asarray(subject.x)
    found = subject.all_terms({"2L": 2 * L, "-L": -L, "L + L": L + L, "fL": (lambda x: 1 + x[0]) * L})
    for name, factor in {"2L": 2, "-L": -1, "L + L": 2, "fL": 1 + x[0]}.items():
        require_near(f"the value of {name}", found[name], factor * subject.exact["L"])


def dimensions(subject: Subject) -> None:
    for dim in range(1, subject.dim):
        try:
            subject.tested.families(dim)
        except ValueError as error:
            require_sentence(f"what is said of {dim} dimensions", str(error))


def trace(subject: Subject) -> None:
    for estimator in (Sampled(AllTerms(), 1), Sampled(Sparse(), 2)):
        found = (equations(subject.tested, estimator, dim, subject.out) for dim in (80, 320))
        require_bounded("the dimension", *found)
