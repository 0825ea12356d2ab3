"""Speed and memory over the dimension."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ._colours import colour, weight
from ._format import number
from ._report import Row


def draw_curves(figure: Any, rows: Sequence[Row]) -> None:
    """Speed and memory over the dimension, a line per method with its name at the end."""
    figure.set_size_inches(11, 5)
    speed, memory = figure.subplots(1, 2)
    _curve(speed, "steps per second", rows, lambda row: 1 / (row.seconds or math.nan))
    _curve(memory, "peak memory, MB", rows, lambda row: row.peak_memory_mb or math.nan)


def _curve(axes: Any, title: str, rows: Sequence[Row], value: Callable[[Row], float]) -> None:
    ends: list[tuple[Any, ...]] = []
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        points = sorted((row.case["dim"], value(row)) for row in own if row.status == "ok")
        if points:
            width = 2.8 if method == "stde" else 1.4
            axes.plot(*zip(*points, strict=True), "o-", color=colour(method), linewidth=width, markersize=4)
            failed = any(row.status != "ok" and row.case["dim"] > points[-1][0] for row in own)
            ends.append((*points[-1], method, f"{method} ✕" if failed else method))
    dims = sorted({row.case["dim"] for row in rows})
    axes.set(xscale="log", xlabel="dimensions")
    axes.set_xticks(dims, [_short(dim) for dim in dims])
    _scale(axes.yaxis, [end[1] for end in ends] + [value(row) for row in rows if row.status == "ok"])
    axes.minorticks_off()
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    _name_ends(axes, ends)


def _scale(axis: Any, values: Sequence[float]) -> None:
    """Logarithmic where the values differ by more than 5, else from 0; in plain numbers."""
    axes = axis.axes
    if max(values) > 5 * min(values):
        from matplotlib.ticker import FuncFormatter, LogLocator

        axes.set_yscale("log")
        few = max(values) < 200 * min(values)
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    else:
        axes.set_ylim(0, 1.1 * max(values))


def _short(dim: int) -> str:
    for factor, unit in ((10**6, "M"), (10**3, "K")):
        if dim % factor == 0:
            return f"{dim // factor}{unit}"
    return str(dim)


def _name_ends(axes: Any, ends: list[tuple[Any, ...]]) -> None:
    """Names to the right of the lines' ends, moved apart where they would overlap."""
    from matplotlib.patheffects import withStroke

    left, right = (math.log10(limit) for limit in axes.get_xlim())
    axes.set_xlim(10**left, 10 ** (right + 0.45 * (right - left)))
    to_fraction = axes.transData + axes.transAxes.inverted()
    places = [to_fraction.transform(end[:2]) for end in ends]
    for (x, y, method, text), (across, _), up in zip(
        ends, places, _apart([p[1] for p in places]), strict=True
    ):
        axes.annotate(
            text,
            (x, y),
            (across + 0.02, up),
            textcoords="axes fraction",
            color=colour(method),
            fontsize=8.5,
            fontweight=weight(method),
            va="center",
            path_effects=[withStroke(linewidth=3, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": colour(method), "alpha": 0.4, "linewidth": 0.8},
        )


def _apart(heights: Sequence[float], gap: float = 0.048) -> list[float]:
    """The heights, in fractions of the axes, with a gap between any two, and none above the top."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed, lowest, highest = list(heights), -math.inf, 1.0
    for i in order:
        placed[i] = lowest = max(placed[i], lowest + gap)
    for i in reversed(order):
        placed[i] = min(placed[i], highest)
        highest = placed[i] - gap
    return placed
