from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

Reference: TypeAlias = Callable[[Float[Array, "n inputs"]], Float[np.ndarray, " n"]]


class AbstractView(eqx.Module):
    """What to show of a solution: draws model and reference into a figure.

    `reference` and `held_out` are None where no solution is known.

    `width` is that of the picture, relative to the training curve beside it.
    """

    width: eqx.AbstractVar[float]

    @abstractmethod
    def draw(self, figure: "SubFigure", model: stde.Model, reference: Any, held_out: Any) -> None:
        """Draws into `figure`, adding the axes that it needs."""
