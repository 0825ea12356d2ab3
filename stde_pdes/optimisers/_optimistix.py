"""Solvers of optimistix, which is imported where it is used: that takes a second."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from stde_core import check_count
from stde_core.checks import in_short

from ._stage import AbstractObjective, AbstractStage


@dataclass(frozen=True)
class Optimistix(AbstractStage):
    """Any least-squares solver or minimiser of optimistix: `Optimistix(optx.LevenbergMarquardt(1e-4, 1e-4))`.

    Each step draws a sample and lets the solver make up to `inner` iterations on it, from the parameters that
    the last step found; a least-squares solver sees the residuals, a minimiser their loss.

    - `batch`: points per condition and step.

    Raises `TypeError` for what is no solver.
    """

    solver: Any
    steps: int = 20
    batch: int = 500
    inner: int = 20

    def __post_init__(self) -> None:
        import optimistix

        kinds = (optimistix.AbstractLeastSquaresSolver, optimistix.AbstractMinimiser)
        if not isinstance(self.solver, kinds):
            raise TypeError(
                "`Optimistix(solver)` needs a least-squares solver or a minimiser of optimistix, got "
                f"{in_short(self.solver)}."
            )
        for name in ("steps", "batch", "inner"):
            check_count(f"optimistix.{name}", getattr(self, name))

    @property
    def draws_anew(self) -> bool:
        return False

    def init(self, params: PyTree) -> tuple[()]:
        return ()

    def gentler(self) -> "Optimistix":
        return replace(self, batch=2 * self.batch)

    @property
    def remedy(self) -> str:
        return f"Raise `batch` of `Optimistix` (now {self.batch}), or lower its `inner` (now {self.inner})"

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        import optimistix

        sample = objective.draw(params, self.batch, key=jax.random.fold_in(key, index))
        least_squares = isinstance(self.solver, optimistix.AbstractLeastSquaresSolver)
        run: Any = optimistix.least_squares if least_squares else optimistix.minimise
        function = objective.residuals if least_squares else objective.loss
        found = run(
            lambda params, sample: function(params, sample),
            self.solver,
            params,
            args=sample,
            max_steps=self.inner,
            throw=False,
        )
        before, after = objective.loss(params, sample), objective.loss(found.value, sample)
        better = after < before
        params = jax.tree.map(lambda new, old: jnp.where(better, new, old), found.value, params)
        return params, state, before
