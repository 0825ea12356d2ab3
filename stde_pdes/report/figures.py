"""The picture of a run: how the error fell, and the solution against its reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stde_core as stde

from .._held_out import HeldOut
from .._problem import AbstractProblem
from ..training import Progress

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure


def draw_run(
    path: Path,
    name: str,
    problem: AbstractProblem,
    network: stde.Model,
    held_out: HeldOut,
    history: Sequence[Progress],
) -> None:
    """Writes the training curve and the problem's own view of the solution to a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=130)
    halves: Any = figure.subfigures(1, 2, width_ratios=[1, problem.view.width])
    left, right = halves
    _draw_curve(left, held_out, history)
    problem.view.draw(right, problem.ansatz(network), problem.reference, held_out)
    dimensions = "1 dimension" if problem.dim == 1 else f"{problem.dim} dimensions"
    figure.suptitle(f"{name} in {dimensions}")
    figure.savefig(path)


def _draw_curve(figure: "SubFigure", held_out: HeldOut, history: Sequence[Progress]) -> None:
    axes: Any = figure.subplots()
    measured = [(progress.step, progress.errors) for progress in history if progress.errors]
    axes.semilogy([step for step, _ in measured], [e.relative_l2 for _, e in measured], "o-", markersize=3)
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
    axes.set(xlabel="step", ylabel="relative L2 error", title="training")
    axes.grid(alpha=0.3)
