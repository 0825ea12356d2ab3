"""Error and speed over the number of samples as a picture."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._findings import Findings
from ._format import cores
from ._samples_rows import SamplesRow

_COLOURS = {"stde": "#0b5fd8", "sdgd": "#c2255c", "hutchinson": "#e8590c"}
_OTHERS = ("#0c8599", "#2b8a3e", "#7b5e3b")


def draw_samples(findings: Findings, path: Path) -> None:
    """Writes the picture to a PNG file: a line per problem and method, dashed for shared tangents."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(11, 5.6), layout="constrained", dpi=140)
    panels, keys = figure.subfigures(2, 1, height_ratios=(5, 1))
    left, right = panels.subplots(1, 2)
    _panel(left, "relative L2 error", findings, lambda row: row.relative_l2)
    _panel(right, "steps per second", findings, lambda row: row.steps_per_second)
    _draw_level(left, findings, "trivial solution", lambda row: row.trivial_relative_l2)
    _draw_level(left, findings, "affine network", lambda row: row.affine_relative_l2)
    handles, labels = right.get_legend_handles_labels()
    keys.legend(handles, labels, loc="upper center", ncols=3, fontsize=8, handlelength=3.5, frameon=False)
    panels.suptitle(findings.title, fontsize=11, fontweight="bold")
    keys.supxlabel(_caption(findings), fontsize=7.5, color="0.35")
    figure.savefig(path)


def _panel(axes: Any, title: str, findings: Findings, value: Callable[[SamplesRow], float | None]) -> None:
    for line in dict.fromkeys(row.line for row in findings.rows):
        points = sorted((row.samples, value(row) or math.nan) for row in findings.rows if row.line == line)
        style = _style(line, list(dict.fromkeys(row.problem for row in findings.rows)))
        axes.plot(*zip(*points, strict=True), markersize=4, label=", ".join(line), **style)
    counts = sorted({row.samples for row in findings.rows})
    measured = any(value(row) for row in findings.rows)
    axes.set(xscale="log", yscale="log" if measured else "linear", xlabel="samples per point")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _style(line: tuple[str, str, str], problems: list[str]) -> dict[str, Any]:
    """A colour per estimator, and a dotted line with squares for each problem after the first."""
    problem, estimator, tangents = line
    position = problems.index(problem)
    if position:
        return {"color": _OTHERS[(position - 1) % len(_OTHERS)], "marker": "s", "linestyle": ":"}
    dashes = "--" if tangents == "shared" else "-"
    return {"color": _COLOURS.get(estimator, "0.4"), "marker": "o", "linestyle": dashes, "linewidth": 2}


def _draw_level(
    axes: Any, findings: Findings, name: str, error: Callable[[SamplesRow], float | None]
) -> None:
    """The error of a simplest model of the first problem."""
    known = [error(row) for row in findings.rows if row.problem == findings.rows[0].problem]
    level = next((value for value in known if value is not None), None)
    if level is not None:
        axes.axhline(level, color="0.6", linewidth=0.8, linestyle=(0, (1, 2)))
        text = f"{name} of {findings.rows[0].problem}"
        where: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(text, (1, level), (0, 3), fontsize=7.5, ha="right", color="0.4", **where)


def _caption(findings: Findings) -> str:
    found = findings.environment
    return (
        f"{found['device']}, {cores(found)}, {found['precision']}, jax {found['versions']['jax']}, "
        f"seed {findings.settings['seed']}; one run each; {found['date']}"
    )
