"""The picture of a run: how the error or the loss fell, and the solution."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import stde_core as stde

from .._view import AbstractView
from ..domains import AbstractDomain
from ..problem import Problem
from ..runs.files import writing
from ..training import HeldOut
from ..training.errors import drawn
from .fields import Fields, Values
from .plots import PredictedAgainstTrue

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

# A box of more inputs says little in two of them.
_MOST_SHOWN = 4


def draw_run(
    directory: Path,
    name: str,
    problem: Problem,
    network: stde.Model,
    held_out: HeldOut | None,
    lines: Sequence[Mapping[str, Any]],
) -> None:
    """Writes `solution.png`: relative L2 errors, or losses, over the steps, and the problem's own picture.

    `lines` are those of `metrics.jsonl`.
    """
    from matplotlib.figure import Figure

    plot = chosen_plot(problem)
    rows = len(problem.outputs) if isinstance(plot, Fields) and problem.is_judged else 1
    figure = Figure(figsize=(11, 4.2 + 2.2 * (rows - 1)), layout="constrained", dpi=130)
    halves: Any = figure.subfigures(1, 2, width_ratios=[1, plot.width])
    left, right = halves
    _draw_curve(left, held_out, lines)
    plot.draw(right, problem.ansatz(network), problem.truth if problem.is_judged else None, held_out)
    dimensions = "1 dimension" if problem.dim == 1 else f"{problem.dim} dimensions"
    figure.suptitle(f"{name} in {dimensions}")
    with writing(directory, "solution.png") as file:
        figure.savefig(file, format="png")


def chosen_plot(problem: Problem) -> AbstractView:
    """The problem's plot; or its outputs over two inputs, or what can be shown of many."""
    if problem.plot is not None:
        return problem.plot
    domain, tabulated = problem.test_points, problem.reference is not None and not callable(problem.reference)
    bounds = domain.bounds if isinstance(domain, AbstractDomain) else None
    if bounds is not None and len(bounds) <= _MOST_SHOWN and not tabulated:
        return Fields(tuple(bounds), problem.inputs, problem.outputs)
    if problem.is_judged:
        return PredictedAgainstTrue()
    points = drawn(domain, 2000, jax.random.key(0)) if isinstance(domain, AbstractDomain) else domain
    return Values(np.asarray(points, float), problem.outputs)


def _draw_curve(figure: "SubFigure", held_out: HeldOut | None, lines: Sequence[Mapping[str, Any]]) -> None:
    what = "loss" if held_out is None else "relative_l2"
    shown = [(line["step"], line[what]) for line in lines if line.get(what) is not None]
    axes: Any = figure.subplots()
    axes.semilogy(*zip(*shown, strict=True), "o-", markersize=3)
    axes.set(xlabel="step", ylabel="loss" if held_out is None else "relative L2 error", title="training")
    axes.grid(alpha=0.3)
    if held_out is None:
        return
    axes.axhline(held_out.trivial_relative_l2, color="0.5", linestyle="--", linewidth=1)
    axes.annotate(
        "best trivial solution",
        (1, held_out.trivial_relative_l2),
        xycoords=("axes fraction", "data"),
        xytext=(-4, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        color="0.4",
    )
