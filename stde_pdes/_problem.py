"""What a PDE problem is: conditions to be met, an ansatz, and a solution to be judged by."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PyTree

import stde_core as stde

from ._settings import Training
from ._view import AbstractView
from .domains import AbstractDomain
from .models import AbstractNetwork


class Condition(eqx.Module):
    """A residual that should vanish at points of a domain: the equation, or a boundary condition.

    - `points`: the distribution of its collocation points.
    - `operators`: the PyTree of operators whose values the residual needs; None for none.
    - `residual`: `(x, u(x), values) -> scalar`.
    - `source`: a right-hand side `x -> scalar` that is subtracted from the residual; None for none.
      It does not depend on the model, so it is evaluated on its own, some points at a time.
    - `weight`: its share in the loss.
    - `differentiable`: whether derivatives of the residual in x are right and vanish too, so that
      gradient-enhanced training takes them; not where the ansatz knows its operators' values only,
      and not across a boundary, where the residual is given on the boundary alone.
    """

    name: str = eqx.field(static=True)
    points: AbstractDomain
    operators: PyTree[stde.AbstractOperator]
    residual: Callable[[stde.Point, Array, Any], Array]
    weight: float = eqx.field(static=True, default=1.0)
    source: Callable[[stde.Point], Array] | None = None
    differentiable: bool = eqx.field(static=True, default=True)


class AbstractProblem(eqx.Module):
    """A PDE with everything that is needed to solve it and to judge the solution.

    - `dim`: the number of space dimensions.
    - `num_inputs`: the number of the model's inputs, `dim`, or `dim + 1` where time comes last.
    - `num_features`: the number of the network's inputs inside the ansatz.
    - `time_arrow`: 1 where time, the last input, runs from an initial condition, −1 where it runs back
      from a terminal one, 0 where there is no time.
    - `origin`: a point judged by itself too, or None.
    - `view`: the picture of solution against reference.
    - `notes`: what a reader of the errors should know, in sentences.
    - `default_network`, `default_training`: what solves the problem well on two cores.
    """

    dim: eqx.AbstractVar[int]
    num_inputs: eqx.AbstractVar[int]
    num_features: eqx.AbstractVar[int]
    time_arrow: eqx.AbstractVar[Literal[-1, 0, 1]]
    origin: eqx.AbstractVar[np.ndarray | None]
    view: eqx.AbstractVar[AbstractView]
    notes: eqx.AbstractVar[tuple[str, ...]]
    default_network: eqx.AbstractVar[AbstractNetwork]
    default_training: eqx.AbstractVar[Training]

    @property
    @abstractmethod
    def conditions(self) -> tuple[Condition, ...]:
        """The equation first, then whatever the ansatz does not fulfil by itself."""

    @abstractmethod
    def ansatz(self, network: stde.Model) -> stde.Model:
        """The model u made from a network with `num_features` inputs.

        Affine in the network, so that constant and affine networks span the simplest solutions.
        """

    @abstractmethod
    def reference(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, " n"]:
        """The solution at points of the domain, exact or converged."""

    @abstractmethod
    def default_estimator(self, dim: int) -> tuple[str, dict[str, Any]]:
        """The registered name of an estimator that suits `dim` dimensions, and its options."""
