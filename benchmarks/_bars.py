"""Times over the reference's, and in numbers."""

from collections.abc import Sequence
from typing import Any

from ._colours import colour, weight
from ._format import number, ratio
from ._report import Row


def draw_bars(figure: Any, rows: Sequence[Row], summaries: dict[str, str]) -> None:
    """A panel per workload, a group of bars per case: time over the reference's, and in numbers."""
    panels: dict[str, list[Row]] = {}
    for row in rows:
        panels.setdefault(row.case.get("workload", ""), []).append(row)
    columns = min(3, len(panels))
    lines = [len(panel) + 1.6 * len({_within(row) for row in panel}) for panel in panels.values()]
    heights = [max(lines[i : i + columns]) for i in range(0, len(lines), columns)]
    figure.set_size_inches(max(5 * columns, 7), 1.6 + 0.17 * sum(heights) + 0.4 * len(heights))
    grid = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for position, (name, panel) in enumerate(panels.items()):
        title = f"{name}:  {summaries[name]}" if name in summaries else name
        _panel(grid[position], title, panel, heights[position // columns])


def _within(row: Row) -> str:
    """The case without the workload."""
    if "dim" in row.case:
        return f"{row.case['dim']} dimensions"
    return f"{row.case['inputs']} inputs, {row.case['network']}"


def _panel(axes: Any, title: str, rows: Sequence[Row], height: float) -> None:
    y, case, ticks = 0.0, "", []
    longest = max((row.ratios["seconds"] for row in rows if row.ratios), default=1.0)
    for row in rows:
        if _within(row) != case:
            case = _within(row)
            heading: dict[str, Any] = {"fontsize": 8, "va": "center", "color": "0.3"}
            heading["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0}
            axes.annotate(case, (0, y + 0.75), (3, 0), textcoords="offset points", **heading)
            y += 1.6
        length = row.ratios["seconds"] if row.ratios else 0.0
        axes.barh(y, length, height=0.8, color=colour(row.method))
        axes.annotate(
            f" {_numbers(row)}", (length, y), fontsize=7, va="center", fontweight=weight(row.method)
        )
        ticks.append((y, row))
        y += 1
    axes.set(xlim=(0, 1.35 * longest), ylim=(max(y, height) - 0.4, 0))
    axes.set_yticks([tick for tick, _ in ticks], [row.method for _, row in ticks], fontsize=7.5)
    for label, (_, row) in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set(color=colour(row.method), fontweight=weight(row.method))
    axes.plot([1, 1], [0.6, y], color="0.6", linewidth=0.8, zorder=0)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])


def _numbers(row: Row) -> str:
    if row.seconds is None:
        return row.status
    time = f"{number(1e3 * row.seconds)} ms"
    wrong = " (wrong)" if "wrong" in row.note else ""
    return f"{ratio(row.ratios['seconds'])}, {time}{wrong}" if row.ratios else f"{time}{wrong}"
