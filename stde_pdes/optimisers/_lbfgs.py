from dataclasses import dataclass, replace

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
      gradients begins anew.
    - `memory`: how many past gradients it keeps.
    """

    steps: int = 1000
    batch: int = 1000
    redraw: int = 100
    memory: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "redraw", "memory"):
            check_count(f"lbfgs.{name}", getattr(self, name))

    def _optimiser(self) -> optax.GradientTransformationExtraArgs:
        return optax.lbfgs(memory_size=self.memory)

    def init(self, params: PyTree) -> PyTree:
        return self._optimiser().init(params)

    def gentler(self) -> "LBFGS":
        # Its line search chooses the length; more points leave it fewer directions that only look good.
        return replace(self, batch=2 * self.batch)

    @property
    def remedy(self) -> str:
        return f"Raise `lbfgs.batch` (now {self.batch}), or take fewer steps (now {self.steps})"

    def step(
        self, objective: AbstractObjective, params: PyTree, state: PyTree, index: Array, *, key: PRNGKeyArray
    ) -> tuple[PyTree, PyTree, Float[Array, ""]]:
        sample = objective.draw(params, self.batch, key=jax.random.fold_in(key, index // self.redraw))

        def loss(params: PyTree) -> Array:
            return objective.loss(params, sample)

        begins = index % self.redraw == 0
        state = jax.tree.map(lambda new, old: jax.lax.select(begins, new, old), self.init(params), state)
        value, gradient = optax.value_and_grad_from_state(loss)(params, state=state)
        updates, state = self._optimiser().update(
            gradient, state, params, value=value, grad=gradient, value_fn=loss
        )
        return optax.apply_updates(params, updates), state, jnp.asarray(value)
