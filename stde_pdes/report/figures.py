"""The picture of a run: how the error fell, and the solution against its reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stde_core as stde

from .._held_out import HeldOut
from .._problem import AbstractProblem
from .._run_files import writing

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure


def draw_run(
    directory: Path,
    name: str,
    problem: AbstractProblem,
    network: stde.Model,
    held_out: HeldOut,
    errors: Sequence[tuple[int, float]],
) -> None:
    """Writes `solution.png`: relative L2 errors after so many steps, and the problem's own view."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=130)
    halves: Any = figure.subfigures(1, 2, width_ratios=[1, problem.view.width])
    left, right = halves
    _draw_curve(left, held_out, errors)
    problem.view.draw(right, problem.ansatz(network), problem.reference, held_out)
    dimensions = "1 dimension" if problem.dim == 1 else f"{problem.dim} dimensions"
    figure.suptitle(f"{name} in {dimensions}")
    with writing(directory, "solution.png") as file:
        figure.savefig(file, format="png")


def _draw_curve(figure: "SubFigure", held_out: HeldOut, errors: Sequence[tuple[int, float]]) -> None:
    axes: Any = figure.subplots()
    axes.semilogy(*zip(*errors, strict=True), "o-", markersize=3)
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
