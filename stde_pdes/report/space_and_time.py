"""The picture of a solution in space and time: along a line, at a place, along random paths."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import stde_core as stde

from .._held_out import HeldOut
from .._view import AbstractView, Reference
from ..training import values

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

_NODES = 61


class SpaceAndTime(AbstractView):
    """Model over reference on curves through space and time, time being the last input.

    Left at the first time of the paths along a line through the place where they start, in the
    middle at that place over time, right along the paths. Where points are drawn along such paths,
    training sees hardly any of the line, and in high dimension little of the place at later times:
    these two show how the model goes on beyond its points.

    - `paths`: random paths `(x, t)` with a common start, `[k, n, dim + 1]`.
    - `direction`: the line's, `[dim]`, of any length.
    - `reach`: how far the line goes to both sides.
    """

    paths: Float[np.ndarray, "k n inputs"]
    direction: Float[np.ndarray, " dim"]
    reach: float = eqx.field(static=True)
    width: float = eqx.field(static=True, default=2.4)

    def _line(self) -> Float[np.ndarray, "m inputs"]:
        unit = self.direction / np.linalg.norm(self.direction)
        return self.paths[0, 0] + np.outer(self._positions(), np.append(unit, 0.0))

    def _positions(self) -> Float[np.ndarray, " m"]:
        return np.linspace(-self.reach, self.reach, _NODES)

    def _rest(self) -> Float[np.ndarray, "m inputs"]:
        points = np.tile(self.paths[0, 0], (_NODES, 1))
        points[:, -1] = np.linspace(self.paths[0, 0, -1], self.paths[0, -1, -1], _NODES)
        return points

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        line, rest = self._line(), self._rest()
        count, length, inputs = self.paths.shape
        points = jnp.asarray(
            np.concatenate([line, rest, self.paths.reshape(-1, inputs)]), held_out.points.dtype
        )
        cuts = [_NODES, 2 * _NODES]
        exact = np.split(np.asarray(reference(points)), cuts)
        own = np.split(np.asarray(values(model, points)), cuts)
        panels: Any = figure.subplots(1, 3)
        _curves(panels[0], self._positions(), exact[0], own[0])
        _curves(panels[1], rest[:, -1], exact[1], own[1])
        shape = (count, length)
        _curves(panels[2], self.paths[:, :, -1].T, exact[2].reshape(shape).T, own[2].reshape(shape).T)
        start = line[0, -1]
        panels[0].set(xlabel="distance along the line", ylabel="u", title=f"t = {start:g}, along a line")
        panels[1].set(xlabel="t", title="at the start of the paths")
        panels[2].set(xlabel="t", title=f"along {count} random paths")
        panels[0].legend(frameon=False)


def _curves(axes: Any, across: np.ndarray, exact: np.ndarray, own: np.ndarray) -> None:
    axes.plot(across, exact, linewidth=2.5, alpha=0.6, label="reference")
    axes.plot(across, own, "--", color="black", linewidth=0.8, label="model")
    axes.locator_params(axis="both", nbins=5)
    axes.ticklabel_format(useOffset=False)
