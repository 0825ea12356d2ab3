"""`estimate` and `explain`: a plan is made once, then run or printed."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from ._operators import (
    AbstractOperator,
    Gradient,
    is_operator,
    picked,
    without_components,
    without_gradients,
)
from ._plan import AbstractEstimator, AbstractPlan, Estimate, Unsupported, count
from ._taylor import TracedModel, traced
from ._types import Model, Point
from .checks import as_int, check_count, check_flag, check_key, in_short, noted


class EstimatePlan(AbstractPlan):
    """The plan of `estimate` for some operators: that of the estimator, and the gradients.

    `print` it, or read the fields.

    - `plan`: the plan of the estimator; a `stde.SamplingPlan` has more fields, such as all `schedules`.
    - `gradients`: the `Gradient`s, which take a reverse pass each, in a tree that is None elsewhere.
    - `components`: which component of its value is asked for, of each operator; None for all.
    - `cost_otherwise`: the cost for the opposite choice of standard errors, if `explain` has computed it.
    """

    estimator: str = eqx.field(static=True)
    dim: int = eqx.field(static=True)
    standard_error: bool = eqx.field(static=True)
    plan: AbstractPlan
    gradients: PyTree[Gradient]
    components: tuple[int | None, ...] = eqx.field(static=True)
    cost_otherwise: int | None = eqx.field(static=True, default=None)

    @property
    def cost(self) -> int | None:
        return self.plan.cost

    def run(self, model: Model, x: Point, *, key: PRNGKeyArray | None) -> Estimate:
        estimated = self.plan.run(model, x, key=key)
        values = jax.tree.map(lambda g: g(model, x), self.gradients, is_leaf=is_operator)
        errors = jax.tree.map(lambda v: jnp.zeros_like(v.real), values) if self.standard_error else None
        value = eqx.combine(estimated.value, values)
        error = eqx.combine(estimated.standard_error, errors) if self.standard_error else None
        if error is not None:
            error = picked(error, self.components)
        return Estimate(picked(value, self.components), estimated.primal, error)

    def describe(self) -> str:
        errors = "with" if self.standard_error else "without"
        sections = [
            f"{self.estimator} in {count(self.dim, 'dimension')}, {errors} standard errors",
            self.plan.describe(),
        ]
        paths = jax.tree_util.tree_flatten_with_path(self.gradients, is_leaf=is_operator)[0]
        names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
        sections += [f"{name or 'Gradient'}: one reverse pass" for name in names]
        if self.cost_otherwise != self.cost and self.cost_otherwise is not None:
            opposite = "Without" if self.standard_error else "With"
            sections.append(f"{opposite} standard errors: {count(self.cost_otherwise, 'evaluation')}")
        return "\n\n".join(sections)


def estimate(
    operators: PyTree[AbstractOperator],
    model: Model,
    x: Point,
    estimator: AbstractEstimator,
    *,
    key: PRNGKeyArray | None = None,
    standard_error: bool = True,
) -> Estimate:
    """Estimates `L u(x)` for an operator, or a PyTree of operators, at one point.

    - `operators`: an operator, or a PyTree of them. The operators of a tree share passes and draws, so
      their values may be correlated.
    - `model`: u, any callable from `x` to a scalar or an array; operators act on each component.
    - `x`: one point, `[dim]`. Batch by `jax.vmap`, with a key per point or one for all.
    - `estimator`: the method, for instance `stde.get_estimator("stde", num_samples=16)`.
    - `key`: a random key; None only if nothing is sampled.
    - `standard_error`: whether to return one, at a higher cost.

    Returns an `Estimate` of value, primal and standard error. Cost: that of the estimator; the model is
    traced once. Raises `ValueError` or `TypeError`, with a sentence, if the arguments do not fit together.
    An exception of the model passes unchanged, with a note on the call.
    """
    _check_arguments(operators, model, x, estimator, key)
    check_flag("estimate(…, standard_error=…)", standard_error)
    if isinstance(model, Estimated) and key is not None:
        # One key inside and outside would correlate the draws and bias the product.
        key, inner = jax.random.split(key)
        model = partial(model, key=inner)
    with noted(f"`estimate(…, model, x, …)` calls the model with one point, here {x.dtype}{list(x.shape)}."):
        model = traced(model, x)
    _check_output(model.output)
    plan = _plan(operators, x.shape[0], estimator, standard_error, model)
    return plan.run(model, x, key=key)


def explain(
    operators: PyTree[AbstractOperator],
    dim: int,
    estimator: AbstractEstimator,
    *,
    standard_error: bool = False,
) -> EstimatePlan:
    """The plan of `estimate`, to print: `print(stde.explain(stde.Biharmonic(), 20, estimator))`.

    - `operators`: an operator, or a PyTree of them that shares draws and passes.
    - `dim`: the number of entries of a point.
    - `standard_error`: as in `estimate`, where the default is True; `Estimated` has no standard errors.

    Returns the same plan that `estimate` runs. It prints the draw of each family of terms; the passes
    through the model, with their directions, coefficients and sums, for every schedule; and the cost beside
    that of nested forward mode. Costs are in evaluations of the model, of which a pass makes many at once.
    Nothing is computed.

    Raises `ValueError` if the estimator refuses the operators, as `estimate` does.
    """
    check_operators(operators, "stde.explain(operators, …)")
    check_estimator(estimator, "stde.explain(…, estimator)")
    dim = as_int(dim)
    check_count("stde.explain(…, dim)", dim)
    check_flag("stde.explain(…, standard_error=…)", standard_error)
    plan = _plan(operators, dim, estimator, standard_error)
    otherwise = _plan(operators, dim, estimator, not standard_error).cost
    return EstimatePlan(
        plan.estimator,
        dim,
        standard_error,
        plan.plan,
        plan.gradients,
        plan.components,
        cost_otherwise=otherwise,
    )


def _plan(
    operators: PyTree[AbstractOperator],
    dim: int,
    estimator: AbstractEstimator,
    standard_error: bool,
    model: TracedModel | None = None,
) -> EstimatePlan:
    name, (whole, components) = type(estimator).__name__, without_components(operators)
    differentiated, gradients = without_gradients(whole)
    try:
        plan = estimator.plan(differentiated, dim, standard_error=standard_error, model=model)
    except Unsupported as reason:
        raise Unsupported(f"`{name}` {reason}.") from None
    if not isinstance(plan, AbstractPlan):
        raise TypeError(
            f"`{name}.plan(…)` needs to return a plan, got {in_short(plan)}; build a "
            "`stde.SamplingPlan`, or a `stde.AbstractPlan` of your own."
        )
    return EstimatePlan(name, dim, standard_error, plan, gradients, components)


class Estimated(eqx.Module):
    """`x ↦ L u(x)` as an Equinox module: trains, jits, vmaps, nests and goes inside other models.

    A call takes a point `[dim]` and a random key, which may be None if nothing is sampled, and returns the
    tree of values. As the model of another estimate it gets half of that one's key, the same at all points
    of the outer differentiation.
    """

    operators: PyTree[AbstractOperator]
    model: Model
    estimator: AbstractEstimator

    def __check_init__(self):
        check_operators(self.operators, "stde.Estimated(operators, …)")
        check_estimator(self.estimator, "stde.Estimated(…, estimator)")
        _check_callable(self.model, "stde.Estimated(…, model, …)")

    def __call__(self, x: Point, *, key: PRNGKeyArray | None = None) -> Any:
        return estimate(self.operators, self.model, x, self.estimator, key=key, standard_error=False).value


def check_operators(operators: Any, call: str = "estimate(operators, …)") -> None:
    """Raises `ValueError` or `TypeError` unless all leaves of a tree are operators.

    `call` names the caller in messages.
    """
    leaves = jax.tree.leaves(operators, is_leaf=is_operator)
    if not leaves:
        raise ValueError(f"`{call}` got no operator; pass one, or a PyTree of them.")
    for leaf in leaves:
        if not is_operator(leaf):
            raise TypeError(
                f"`{call}` needs operators, got {in_short(leaf)} among them; "
                "build one, for instance `stde.Laplacian()`."
            )


def check_estimator(estimator: Any, call: str = "estimate(…, estimator)") -> None:
    """Raises `TypeError` unless `estimator` is one; `call` names the caller in messages."""
    if not isinstance(estimator, AbstractEstimator):
        raise TypeError(
            f"`{call}` needs an estimator object, got {in_short(estimator)}; "
            'for instance `stde.get_estimator("stde", num_samples=16)`.'
        )


def _check_arguments(operators: Any, model: Any, x: Any, estimator: Any, key: Any) -> None:
    check_operators(operators)
    check_estimator(estimator)
    _check_callable(model, "estimate(…, model, …)")
    if not eqx.is_array(x) or jnp.ndim(x) != 1 or x.shape[0] == 0:
        got = f"shape {jnp.shape(x)}" if eqx.is_array(x) else f"the {type(x).__name__} {in_short(x)}"
        raise ValueError(
            f"`estimate(…, x, …)` takes one point, an array of shape [dim], got {got}; batch with `jax.vmap`."
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(
            f"`estimate(…, x, …)` needs a floating-point x, got dtype {x.dtype}; write 1.0 for 1."
        )
    if key is not None:
        check_key("estimate(…, key=…)", key)


def _check_callable(model: Any, call: str) -> None:
    if not callable(model):
        raise TypeError(f"`{call}` needs a callable from [dim] to an array, got {in_short(model)}.")


def _check_output(output: Any) -> None:
    if not isinstance(output, jax.ShapeDtypeStruct) or not jnp.issubdtype(output.dtype, jnp.inexact):
        raise TypeError(
            "`estimate(…, model, …)` needs a model that returns one floating-point array, got "
            f"{jax.tree.map(lambda leaf: f'{leaf.dtype}{list(leaf.shape)}', output)}."
        )
