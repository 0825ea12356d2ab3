"""The picture of a run: how the error fell, and the solution against its reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stde_core as stde

from ..training import Progress, TestSet

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

    from .._problem import AbstractProblem


def draw_run(
    path: Path,
    name: str,
    problem: "AbstractProblem",
    network: stde.Model,
    tests: TestSet,
    history: Sequence[Progress],
) -> None:
    """Writes the training curve and the problem's own view of the solution to a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=130)
    halves: Any = figure.subfigures(1, 2, width_ratios=[1, problem.view.width])
    left, right = halves
    _draw_curve(left, tests, history)
    problem.view.draw(right, problem, problem.ansatz(network), tests)
    dimensions = "1 dimension" if problem.dim == 1 else f"{problem.dim} dimensions"
    figure.suptitle(f"{name} in {dimensions}")
    figure.savefig(path)


def _draw_curve(figure: "SubFigure", tests: TestSet, history: Sequence[Progress]) -> None:
    axes: Any = figure.subplots()
    measured = [(progress.step, progress.errors) for progress in history if progress.errors]
    axes.semilogy([step for step, _ in measured], [e.relative_l2 for _, e in measured], "o-", markersize=3)
    axes.axhline(tests.trivial_relative_l2, color="0.5", linestyle="--", linewidth=1)
    axes.annotate(
        "best trivial solution",
        (1, tests.trivial_relative_l2),
        xycoords=("axes fraction", "data"),
        xytext=(-4, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        color="0.4",
    )
    axes.set(xlabel="step", ylabel="relative L2 error", title="training")
    axes.grid(alpha=0.3)
