"""Pictures: a solution against its reference, the curves of a run. Drawing imports matplotlib."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import stde_core as stde

from .._view import AbstractView, Reference
from ..runs.files import MetricsLine, writing
from ..training import HeldOut, values

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

ERRORS = {
    "relative_l2": "relative L2 error",
    "relative_l1": "relative L1 error",
    "relative_error_origin": "relative error at the origin",
}
_NODES = 61
# What a logarithmic axis shows, with a margin.
_LEAST, _MOST = 1e-250, 1e250
_MOST_SHARES, _LONGEST_NAME, _MOST_MARKS = 8, 30, 60


def draw_curves(
    directory: Path,
    metrics: Sequence[MetricsLine],
    trivial: float | None = None,
    changes: Sequence[int] = (),
) -> bool:
    """Writes `curves.png`: the loss with its shares, and the errors, over the steps. False if there are none.

    A dashed line is the error of the best trivial solution, `trivial`; dotted ones are at the steps
    `changes`, where the next stage begins.
    """
    from matplotlib.figure import Figure

    shares = [*(metrics[-1].get("losses") or {})][:_MOST_SHARES] if metrics else []
    losses = {"loss": _points((line["step"], line["loss"]) for line in metrics)}
    for name in shares if len(shares) > 1 else ():
        share = ((line["step"], (line.get("losses") or {}).get(name)) for line in metrics)
        losses[f"share of {_in_a_legend(name)}"] = _points(share)
    errors = {ERRORS[name]: _points((line["step"], line.get(name)) for line in metrics) for name in ERRORS}
    panels = ("loss, the mean over the steps up to each point", losses, None), ("errors", errors, trivial)
    shown = [panel for panel in panels if any(len(_drawable(points)) for points in panel[1].values())]
    if not shown:
        return False
    figure = Figure(figsize=(5.5 * len(shown), 3.6), layout="constrained", dpi=120)
    all_axes: Any = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, panel in zip(all_axes, shown, strict=True):
        _draw_curves(axes, *panel, changes)
    with writing(directory, "curves.png") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may have letters that the font lacks
        figure.savefig(file, format="png")
    return True


def _points(pairs: Iterable[tuple[int, float | None]]) -> Float[np.ndarray, "n 2"]:
    return np.array([(step, value) for step, value in pairs if value is not None], float).reshape(-1, 2)


def _drawable(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "m 2"]:
    return points[(points[:, 1] >= _LEAST) & (points[:, 1] <= _MOST)]


def _in_a_legend(name: str) -> str:
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return (short if short.isprintable() else ascii(short)).replace("$", r"\$")


def _draw_curves(
    axes: Any,
    title: str,
    curves: Mapping[str, Float[np.ndarray, "n 2"]],
    trivial: float | None,
    changes: Sequence[int],
) -> None:
    left_out = 0
    for name, points in curves.items():
        shown = _drawable(points)
        left_out += len(points) - len(shown)
        if len(shown):
            marker = "o" if len(shown) <= _MOST_MARKS else None
            axes.semilogy(*shown.T, marker=marker, markersize=3, linewidth=1.2, label=name)
    if trivial is not None and _LEAST <= trivial <= _MOST:
        axes.axhline(trivial, color="0.5", linestyle="--", linewidth=1, label="best trivial solution")
    for step in changes:
        axes.axvline(step, color="0.5", linestyle=":", linewidth=1)
    told = f"\n({left_out} values that are not positive and finite are left out)" if left_out else ""
    axes.set_title(title + told, fontsize="medium")
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right", frameon=False, fontsize="small")


class PredictedAgainstTrue(AbstractView):
    """Scatters of the model's values over the true ones, for domains too high to be looked at.

    Beside the values themselves, what is left of them when the best trivial solution is taken off.
    """

    num_points: int = eqx.field(static=True, default=3000)
    width: float = eqx.field(static=True, default=1.6)

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        shown = slice(self.num_points)
        predicted = np.asarray(values(model, held_out.points[shown]), float).ravel()
        truth, trivial = held_out.truth[shown].ravel(), held_out.trivial[shown].ravel()
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
    """u along paths through space and time, time being the last input: model over reference.

    `paths` gives them, `[k, n, inputs]`, when they are drawn: of many inputs they are large.
    """

    paths: Callable[[], Float[np.ndarray, "k n inputs"]]
    width: float = eqx.field(static=True, default=1.0)

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        paths = self.paths()
        count, length, inputs = paths.shape
        points = jnp.asarray(paths.reshape(-1, inputs), held_out.points.dtype)
        truth = reference(points).reshape(count, length)
        predicted = np.asarray(values(model, points)).reshape(count, length)
        axes = figure.subplots()
        times = paths[:, :, -1].T
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


class SpaceAndTime(AbstractView):
    """Model over reference on curves through space and time, time being the last input.

    Left at the first time of the paths along a line through the place where they start, in the
    middle at that place over time, right along the paths. Where points are drawn along such paths,
    training sees hardly any of the line, and in high dimension little of the place at later times:
    these two show how the model goes on beyond its points.

    - `paths`: gives random paths `(x, t)` with a common start, `[k, n, dim + 1]`, when they are drawn:
      of many inputs they are large.
    - `direction`: the line's, `[dim]`, of any length.
    - `reach`: how far the line goes to both sides.
    """

    paths: Callable[[], Float[np.ndarray, "k n inputs"]]
    direction: Float[np.ndarray, " dim"]
    reach: float = eqx.field(static=True)
    width: float = eqx.field(static=True, default=2.4)

    def _line(self, start: np.ndarray) -> Float[np.ndarray, "m inputs"]:
        unit = self.direction / np.linalg.norm(self.direction)
        return start + np.outer(self._positions(), np.append(unit, 0.0))

    def _positions(self) -> Float[np.ndarray, " m"]:
        return np.linspace(-self.reach, self.reach, _NODES)

    def draw(self, figure: "SubFigure", model: stde.Model, reference: Reference, held_out: HeldOut) -> None:
        paths = self.paths()
        first = paths[0]
        line, rest = self._line(first[0]), np.tile(first[0], (_NODES, 1))
        rest[:, -1] = np.linspace(first[0, -1], first[-1, -1], _NODES)
        count, length, inputs = paths.shape
        points = jnp.asarray(np.concatenate([line, rest, paths.reshape(-1, inputs)]), held_out.points.dtype)
        cuts = [_NODES, 2 * _NODES]
        exact = np.split(np.asarray(reference(points)), cuts)
        own = np.split(np.asarray(values(model, points)), cuts)
        panels: Any = figure.subplots(1, 3)
        _curves(panels[0], self._positions(), exact[0], own[0])
        _curves(panels[1], rest[:, -1], exact[1], own[1])
        shape = (count, length)
        _curves(panels[2], paths[:, :, -1].T, exact[2].reshape(shape).T, own[2].reshape(shape).T)
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
