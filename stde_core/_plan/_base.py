from abc import abstractmethod
from typing import Any

import equinox as eqx
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

from .._operators import AbstractOperator, without_components, without_gradients
from .._taylor import TracedModel
from .._types import Model, Point


class Unsupported(ValueError):
    """An estimator cannot do something. The message begins with a verb, to follow the estimator's name."""


class Estimate(eqx.Module):
    """Estimates of operators at one point.

    - `value`: the tree of operators, each replaced by its estimate, which has the model's shape.
    - `primal`: u(x).
    - `standard_error`: a tree like `value`: 0 for an exact value, nan for a single sample. None if the
      call did not ask for it.
    """

    value: PyTree
    primal: Inexact[Array, "..."]
    standard_error: PyTree = None


class AbstractPlan(eqx.Module):
    """All decisions of an estimator for some operators, made before any number is computed.

    A plan prints as its description. It is a PyTree: its decisions are static, and the arrays in operators
    are its leaves.

    - `cost`: the evaluations of the model, over all samples; None if it is unknown.
    """

    cost: eqx.AbstractVar[int | None]

    @abstractmethod
    def run(self, model: Model, x: Point, *, key: PRNGKeyArray | None) -> Estimate:
        """The estimate of a model at a point, which `estimate` has checked.

        Raises `ValueError` if the plan samples and `key` is None.
        """

    @abstractmethod
    def describe(self) -> str:
        """The draws and evaluations, in words; `explain` prints them."""

    def __repr__(self) -> str:
        return self.describe()


class AbstractEstimator(eqx.Module):
    """A method that contracts operators with a model's derivatives and averages over tangents."""

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "__call__" in vars(cls) and "plan" not in vars(cls):
            raise TypeError(
                f"`{cls.__name__}` defines `__call__`, as estimators once did; now it needs one method, "
                "`def plan(self, operators, dim, *, standard_error, model=None): return stde.SamplingPlan("
                "operators, dim, self.sampler, self.num_samples, standard_error=standard_error)`. What "
                "`refuses` said it raises as `stde.Unsupported`; what `plan.estimate` contracted with is "
                "`SamplingPlan(…, contract=…)`."
            )

    @abstractmethod
    def plan(
        self,
        operators: PyTree[AbstractOperator],
        dim: int,
        *,
        standard_error: bool,
        model: TracedModel | None = None,
    ) -> AbstractPlan:
        """The plan by which one call estimates all operators in `dim` dimensions.

        - `operators`: a PyTree of operators, without `Gradient`s.
        - `standard_error`: whether to estimate standard errors too.
        - `model`: the model, if it is known.

        Raises `Unsupported` if the estimator cannot do it, with a sentence to follow its name.
        """

    def refuses(self, operators: PyTree[AbstractOperator], dim: int) -> str | None:
        """The reason, a sentence, why the estimator cannot do the operators in one call; None if it can."""
        try:
            self.plan(without_gradients(without_components(operators)[0])[0], dim, standard_error=False)
        except Unsupported as reason:
            return str(reason)
        return None
