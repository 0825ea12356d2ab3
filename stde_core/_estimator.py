from abc import abstractmethod
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from ._checks import check_flag, check_key, in_short, noted
from ._operator import AbstractOperator, is_operator
from ._operators import Gradient
from ._plan import Estimate
from ._types import Model, Point


class AbstractEstimator(eqx.Module):
    """How operators are contracted with a model's derivatives, and averaged over tangents."""

    @abstractmethod
    def refuses(self, operators: PyTree[AbstractOperator], dim: int) -> str | None:
        """Why the estimator cannot do the operators in one call, in a sentence; None if it can."""

    @abstractmethod
    def __call__(
        self,
        operators: PyTree[AbstractOperator],
        model: Model,
        x: Point,
        *,
        key: PRNGKeyArray | None,
        standard_error: bool,
    ) -> Estimate:
        """Estimates operators that it does not refuse; `estimate` has checked the arguments."""


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

    - `operators`: what is asked; a PyTree shares passes and draws, so its values may be correlated.
    - `model`: u, any callable from `x` to a scalar or an array; operators act componentwise.
    - `x`: one point, `[dim]`. Batch by `jax.vmap`, with a key per point or one for all.
    - `estimator`: how, for instance `stde.get_estimator("stde", num_samples=16)`.
    - `key`: needed where something is sampled.
    - `standard_error`: whether to return one; without it less is computed.

    Returns an `Estimate` of value, primal and standard error. Cost: the estimator's.
    Raises `ValueError` or `TypeError`, with a sentence, for what does not fit together. What the model
    itself raises is left as it is, with a note on what it was called with.
    """
    _check_arguments(operators, model, x, estimator, key)
    check_flag("estimate(…, standard_error=…)", standard_error)
    reason = estimator.refuses(operators, x.shape[0])
    if reason is not None:
        raise ValueError(f"`{type(estimator).__name__}` {reason}.")
    if isinstance(model, Estimated) and key is not None:
        # One key inside and outside would correlate the draws and bias the product.
        key, inner = jax.random.split(key)
        model = partial(model, key=inner)
    called = f"`estimate(…, model, x, …)` calls the model with one point, here {x.dtype}{list(x.shape)}."
    with noted(called):
        output = jax.eval_shape(model, x)
    _check_output(operators, output, x.shape[0])
    return estimator(operators, model, x, key=key, standard_error=standard_error)


class Estimated(eqx.Module):
    """`x ↦ L u(x)` as an Equinox module: trains, jits, vmaps, nests and goes inside other models.

    A call takes a point `[dim]` and a key (needed where something is sampled), and returns the
    tree of values. Inside another estimate the key is split, and the inner half held fixed.
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
    """Raises `ValueError` or `TypeError` unless the leaves of a tree are operators; `call` names where."""
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
    """Raises `TypeError` unless it is an estimator; `call` names where."""
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


def _check_output(operators: Any, output: Any, dim: int) -> None:
    if not isinstance(output, jax.ShapeDtypeStruct) or not jnp.issubdtype(output.dtype, jnp.inexact):
        raise TypeError(
            "`estimate(…, model, …)` needs a model that returns one floating-point array, got "
            f"{jax.tree.map(lambda leaf: f'{leaf.dtype}{list(leaf.shape)}', output)}."
        )
    for operator in jax.tree.leaves(operators, is_leaf=is_operator):
        families = () if isinstance(operator, Gradient) else operator.families(dim)
        sizes = {family.output_size for family in families}
        for size in sizes - {None}:
            if output.shape != (size,):
                raise ValueError(
                    f"`{type(operator).__name__}` needs a model with output of shape ({size},), "
                    f"got {output.shape}."
                )
        if len(sizes) > 1:
            raise ValueError(
                f"`{type(operator).__name__}` adds a divergence, which is one number, to terms that act on "
                "each component of the output; ask for both in one call, as a tuple."
            )
