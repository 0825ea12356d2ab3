"""A report as a picture: curves over the dimension, or bars."""

from pathlib import Path
from typing import Any

from ._bars import draw_bars
from ._curves import draw_curves
from ._format import cores, processes
from ._report import Report


def draw(report: Report, path: Path) -> None:
    """Writes the picture of a report to a PNG file."""
    from matplotlib.figure import Figure

    figure: Any = Figure(layout="constrained", dpi=140)
    if len({row.case.get("dim") for row in report.rows if row.status == "ok"}) > 1:
        draw_curves(figure, report.rows)
        failed = any(row.status != "ok" for row in report.rows)
        caption = "✕: ran out of memory or time, or failed, in more dimensions" if failed else ""
    else:
        draw_bars(figure, report.rows, report.settings.get("workloads", {}))
        caption = f"bars: time over that of {report.reference}"
    head, _, tail = report.title.partition(": ")
    figure.suptitle(f"{head}\n{tail}" if tail else head, fontsize=11, fontweight="bold")
    figure.supxlabel(f"{caption}\n{_environment(report)}".strip(), fontsize=7.5, color="0.35")
    figure.savefig(path)


def _environment(report: Report) -> str:
    found, settings = report.environment, report.settings
    return (
        f"{found['device']}, {cores(found)}, {found['precision']}, jax {found['versions']['jax']}, "
        f"seed {settings['seed']}; {processes(settings['repeats'])}; {found['date']}"
    )
