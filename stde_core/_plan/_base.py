from abc import abstractmethod
from typing import Any

import equinox as eqx
from jaxtyping import Array, Inexact, PRNGKeyArray, PyTree

from .._operators import AbstractOperator, without_gradients
from .._taylor import TracedModel
from .._types import Model, Point


class Unsupported(ValueError):
    """What an estimator cannot do: a sentence that begins with a verb, to follow the estimator's name."""


class Estimate(eqx.Module):
    """Estimates of operators at one point.

    - `value`: the tree of operators with each replaced by its estimate, of the model's shape.
    - `primal`: u(x).
    - `standard_error`: like `value`; 0 where exact, nan where one sample cannot tell, None where
      it was not asked for.
    """

    value: PyTree
    primal: Inexact[Array, "..."]
    standard_error: PyTree = None


class AbstractPlan(eqx.Module):
    """How an estimator will estimate some operators: decided, and printable, before any number is made.

    A plan is a PyTree: what it decides is its structure, the arrays in operators are its leaves.

    - `cost`: in evaluations of the model, those of all samples together; None where it is not known.
    """

    cost: eqx.AbstractVar[int | None]

    @abstractmethod
    def run(self, model: Model, x: Point, *, key: PRNGKeyArray | None) -> Estimate:
        """The estimate of a model at a point; `estimate` has checked both.

        Raises `ValueError` where something is sampled and `key` is None.
        """

    @abstractmethod
    def describe(self) -> str:
        """What is drawn and evaluated, in words; `explain` prints it."""

    def __repr__(self) -> str:
        return self.describe()


class AbstractEstimator(eqx.Module):
    """How operators are contracted with a model's derivatives, and averaged over tangents."""

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
        """How the operators will be estimated in `dim` dimensions, all in one call.

        - `operators`: a PyTree of them, `Gradient`s left out.
        - `standard_error`: whether one is asked for.
        - `model`: what is differentiated, where it is known.

        Raises `Unsupported` for what the estimator cannot do, with a sentence to follow its name.
        """

    def refuses(self, operators: PyTree[AbstractOperator], dim: int) -> str | None:
        """Why the estimator cannot do the operators in one call, in a sentence; None if it can."""
        try:
            self.plan(without_gradients(operators)[0], dim, standard_error=False)
        except Unsupported as reason:
            return str(reason)
        return None
