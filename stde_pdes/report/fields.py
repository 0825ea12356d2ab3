"""The picture of a problem that names none: its outputs over one or two inputs."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import stde_core as stde

from .._view import AbstractView, Reference
from ..training import HeldOut, values

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

_NODES = 128


class Fields(AbstractView):
    """Each output over the first input, or over the first two, in a box; further inputs are in their middle.

    Beside the model, where a solution is known, the reference and the error. A point of the box outside of
    the problem's domain is shown too: the box of a ball has corners.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    inputs: tuple[str, ...] = eqx.field(static=True)
    outputs: tuple[str, ...] = eqx.field(static=True)
    width: float = eqx.field(static=True, default=2.2)

    def draw(
        self, figure: "SubFigure", model: stde.Model, reference: Reference | None, held_out: HeldOut | None
    ) -> None:
        points = self._points()
        shown = jnp.asarray(points, float)
        found = np.asarray(values(model, shown), float).reshape(len(points), -1)
        truth = None if reference is None else np.asarray(reference(shown), float).reshape(found.shape)
        draw = self._lines if len(self.bounds) == 1 else self._maps
        draw(figure, points, found, truth)

    def _points(self) -> Float[np.ndarray, "n inputs"]:
        middle = np.asarray(self.bounds).mean(1)
        axes = [np.linspace(low, high, _NODES) for low, high in self.bounds[:2]]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))
        return np.concatenate([grid, np.tile(middle[len(axes) :], (len(grid), 1))], axis=1)

    def _lines(self, figure: Any, points: np.ndarray, found: np.ndarray, truth: np.ndarray | None) -> None:
        panels = np.atleast_1d(figure.subplots(1, found.shape[1]))
        for i, panel in enumerate(panels):
            if truth is not None:
                panel.plot(points[:, 0], truth[:, i], linewidth=2.5, alpha=0.6, label="reference")
            panel.plot(points[:, 0], found[:, i], "--", color="black", linewidth=0.9, label="model")
            panel.set(xlabel=self.inputs[0], title=self.outputs[i])
            panel.legend(frameon=False)

    def _maps(self, figure: Any, points: np.ndarray, found: np.ndarray, truth: np.ndarray | None) -> None:
        columns = [("", found, {})]
        if truth is not None:
            columns = [
                ("model", found, {}),
                ("reference", truth, {}),
                ("error", found - truth, {"cmap": "RdBu_r"}),
            ]
        rows = found.shape[1] if truth is not None else 1
        wide = len(columns) if truth is not None else found.shape[1]
        panels = np.atleast_1d(figure.subplots(rows, wide, sharex=True, sharey=True)).reshape(rows, wide)
        for i in range(found.shape[1]):
            for j, (what, field, limits) in enumerate(columns):
                panel = panels[i, j] if truth is not None else panels[0, i]
                self._map(panel, field[:, i], f"{self.outputs[i]} {what}".strip(), limits)

    def _map(self, panel: Any, field: np.ndarray, title: str, limits: dict[str, Any]) -> None:
        (left, right), (low, high) = self.bounds[:2]
        if limits:  # an error, whose 0 is the middle of the colours
            limits = limits | {"vmax": np.abs(field).max() or 1.0, "vmin": -np.abs(field).max() or -1.0}
        image = panel.imshow(
            field.reshape(_NODES, _NODES),
            extent=(left, right, low, high),
            origin="lower",
            aspect="auto",
            **limits,
        )
        panel.set(title=title, xlabel=self.inputs[0], ylabel=self.inputs[1])
        panel.figure.colorbar(image, ax=panel, shrink=0.8)


class Values(AbstractView):
    """How often the model takes which values, at points of an unbounded domain without a known solution."""

    points: Float[np.ndarray, "n inputs"]
    outputs: tuple[str, ...] = eqx.field(static=True)
    width: float = eqx.field(static=True, default=1.0)

    def draw(
        self, figure: "SubFigure", model: stde.Model, reference: Reference | None, held_out: HeldOut | None
    ) -> None:
        found = np.asarray(values(model, jnp.asarray(self.points, float)), float).reshape(
            len(self.points), -1
        )
        panel: Any = figure.subplots()
        for i, output in enumerate(self.outputs):
            panel.hist(found[:, i], bins=50, histtype="step", label=output)
        panel.set(xlabel="value", ylabel="points", title=f"at {len(found)} points of the domain")
        panel.legend(frameon=False)
