"""Pictures of a solution against its reference. matplotlib is imported when something is drawn."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._held_out import HeldOut
from .._view import AbstractView, Reference
from ..training import values

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure


class PredictedAgainstTrue(AbstractView):
    """Scatters of the model's values over the true ones, for domains too high to be looked at.

    Beside the values themselves, what is left of them when the best trivial solution is taken off.
    """

    num_points: int = eqx.field(static=True, default=3000)
    width: float = eqx.field(static=True, default=1.6)

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        shown = slice(self.num_points)
        predicted = np.asarray(values(model, held_out.points[shown]), float)
        truth, trivial = held_out.truth[shown], held_out.trivial[shown]
        left, right = figure.subplots(1, 2)
        _scatter(left, truth, predicted)
        left.set(
            xlabel="exact u", ylabel="model u", title=f"{len(truth)} of {len(held_out.truth)} test points"
        )
        _scatter(right, truth - trivial, predicted - trivial)
        right.set(xlabel="exact", ylabel="model", title="less the best trivial solution")


def _scatter(axes: Any, truth: np.ndarray, predicted: np.ndarray) -> None:
    ends = [truth.min(), truth.max()]
    axes.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
    axes.scatter(truth, predicted, s=4, alpha=0.4, linewidths=0)


class AlongPaths(AbstractView):
    """u along paths through space and time, time being the last input: model over reference."""

    paths: Float[np.ndarray, "k n inputs"]
    width: float = eqx.field(static=True, default=1.0)

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        count, length, inputs = self.paths.shape
        points = jnp.asarray(self.paths.reshape(-1, inputs), held_out.points.dtype)
        truth = reference(points).reshape(count, length)
        predicted = np.asarray(values(model, points)).reshape(count, length)
        axes = figure.subplots()
        times = self.paths[:, :, -1].T
        exact = axes.plot(times, truth.T, linewidth=2.5, alpha=0.6)
        own = axes.plot(times, predicted.T, "--", color="black", linewidth=0.8)
        axes.set(xlabel="t", ylabel="u", title=f"along {count} random paths")
        axes.legend([exact[0], own[0]], ["reference", "model"], frameon=False)


class HeatMaps(AbstractView):
    """Model, reference and error on a plane through the domain, two inputs varying."""

    across: tuple[int, float, float] = eqx.field(static=True)
    up: tuple[int, float, float] = eqx.field(static=True)
    base: tuple[float, ...] = eqx.field(static=True)
    labels: tuple[str, str] = eqx.field(static=True)
    resolution: int = eqx.field(static=True, default=128)
    width: float = eqx.field(static=True, default=2.2)

    def _points(self) -> Float[np.ndarray, "n inputs"]:
        columns, rows = (np.linspace(low, high, self.resolution) for _, low, high in (self.across, self.up))
        points = np.tile(np.asarray(self.base), (self.resolution**2, 1))
        grid = np.meshgrid(columns, rows)
        points[:, self.across[0]], points[:, self.up[0]] = grid[0].ravel(), grid[1].ravel()
        return points

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        points = jnp.asarray(self._points(), held_out.points.dtype)
        truth, predicted = reference(points), np.asarray(values(model, points))
        panels: Any = figure.subplots(1, 3, sharey=True)
        low, high = truth.min(), truth.max()
        self._panel(panels[0], predicted, "model", vmin=low, vmax=high)
        self._panel(panels[1], truth, "reference", vmin=low, vmax=high)
        bound = np.abs(predicted - truth).max() or 1.0
        self._panel(panels[2], predicted - truth, "error", vmin=-bound, vmax=bound, cmap="RdBu_r")
        panels[0].set_ylabel(self.labels[1])

    def _panel(self, axes: Any, field: Array | np.ndarray, title: str, **limits: Any) -> None:
        image = axes.imshow(
            np.asarray(field).reshape(self.resolution, self.resolution),
            extent=(*self.across[1:], *self.up[1:]),
            origin="lower",
            aspect="auto",
            **limits,
        )
        axes.set(title=title, xlabel=self.labels[0])
        axes.locator_params(axis="x", nbins=4)
        bar = axes.figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.8)
        bar.ax.locator_params(axis="x", nbins=3)
