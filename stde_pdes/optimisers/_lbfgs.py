from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from stde_core import check_count

from ._stage import AbstractObjective, AbstractStage


@dataclass(frozen=True)
class LBFGS(AbstractStage):
    """L-BFGS with a zoom line search (Nocedal and Wright, 2006), by optax.

    - `batch`: points per condition, held fixed for `redraw` steps, after which the memory of past
      gradients begins anew. What is held is the sample as it was drawn at the first of these steps: its
      points and what each of them counts stay, where residuals choose or weigh them too, since past
      gradients and the losses of a line search belong to one function.
    - `memory`: how many past gradients it keeps.
    """

    steps: int = 1000
    batch: int = 1000
    redraw: int = 100
    memory: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "redraw", "memory"):
            check_count(f"lbfgs.{name}", getattr(self, name))

    @property
    def draws_anew(self) -> bool:
        return False

    def _optimiser(self) -> optax.GradientTransformationExtraArgs:
        return optax.lbfgs(memory_size=self.memory)

    def init(self, params: PyTree) -> PyTree:
        """The state of optax, and the parameters at which the sample is drawn."""
        return self._optimiser().init(params), params

    def gentler(self) -> "LBFGS":
        # Its line search chooses the length; more points leave it fewer directions that only look good.
        return replace(self, batch=2 * self.batch)

    @property
    def remedy(self) -> str:
        return f"Raise `lbfgs.batch` (now {self.batch}), or take fewer steps (now {self.steps})"

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        begins = index % self.redraw == 0
        state, first = jax.tree.map(partial(jax.lax.select, begins), self.init(params), state)
        sample = objective.draw(first, self.batch, key=jax.random.fold_in(key, index // self.redraw))

        def loss(params: PyTree) -> Array:
            return objective.loss(params, sample)

        value, gradient = optax.value_and_grad_from_state(loss)(params, state=state)
        updates, state = self._optimiser().update(
            gradient, state, params, value=value, grad=gradient, value_fn=loss
        )
        return optax.apply_updates(params, updates), (state, first), jnp.asarray(value)
