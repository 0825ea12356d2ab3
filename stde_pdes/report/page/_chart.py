"""Curves over the steps on a logarithmic axis, as SVG that takes the page's colours."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ._axes import drawable, log_limits, log_ticks, ticks
from ._html import escaped
from ._words import number

_WIDTH, _HEIGHT = 380, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 370, 8, 216
_PIECES = 200

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Curve:
    """Values over steps; `marked` shows each with a mark that tells its numbers."""

    name: str
    points: Points
    marked: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves, the value that they are compared with, and the steps at which the optimiser changes.

    The axis reaches to step `steps`, and further where a curve does.
    """

    title: str
    curves: Sequence[Curve]
    level: tuple[str, float] | None = None
    changes: Sequence[int] = ()
    steps: int = 1

    def draw(self) -> str:
        """A figure with a legend; empty where there is nothing to draw."""
        curves = [Curve(c.name, _drawable(c.points), c.marked) for c in self.curves]
        values = [value for curve in curves for _, value in curve.points]
        if not values:
            return ""
        level = self.level if self.level and drawable(self.level[1]) else None
        frame = _Frame(
            max(self.steps, 1, *(step for curve in curves for step, _ in curve.points)),
            *log_limits([*values, *([level[1]] if level else [])]),
        )
        parts = [
            *frame.grid(),
            *(frame.change(step) for step in self.changes),
            *([frame.level(level[1])] if level else []),
            *(part for number, curve in enumerate(curves) for part in frame.curve(number, curve)),
        ]
        left_out = sum(len(curve.points) for curve in self.curves) - len(values)
        return (
            f'<figure class="chart">\n<figcaption>{escaped(self.title)}{_left_out(left_out)}</figcaption>\n'
            f"{_legend(curves, level)}\n"
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(self.title)}">\n'
            + "\n".join(parts)
            + "\n</svg>\n</figure>"
        )


@dataclass(frozen=True)
class _Frame:
    """Steps from 0 to `steps` across, decimal logarithms from `low` to `high` up."""

    steps: int
    low: float
    high: float

    def x(self, step: int | float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * min(max(step / self.steps, 0.0), 1.0), 1)

    def y(self, log: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (log - self.low) / (self.high - self.low), 1)

    def grid(self) -> Iterator[str]:
        for log, label in log_ticks(self.low, self.high):
            y = self.y(log)
            yield f'<path class="grid" d="M{_LEFT} {y}H{_RIGHT}"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'
        for step in map(int, filter(float.is_integer, ticks(0, self.steps))):
            x, label = self.x(step), number(step)
            anchor = "end" if x > _RIGHT - 20 else "middle"
            yield f'<path class="grid" d="M{x} {_TOP}V{_BOTTOM}"/>'
            yield f'<text x="{x}" y="{_BOTTOM + 16}" text-anchor="{anchor}">{label}</text>'
        yield f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_HEIGHT - 3}" text-anchor="middle">step</text>'

    def change(self, step: int) -> str:
        return f'<path class="change" d="M{self.x(step)} {_TOP}V{_BOTTOM}"/>'

    def level(self, value: float) -> str:
        return f'<path class="level" d="M{_LEFT} {self.y(math.log10(value))}H{_RIGHT}"/>'

    def curve(self, number: int, curve: Curve) -> Iterator[str]:
        if not curve.points:
            return
        places = " ".join(f"{self.x(s)},{self.y(math.log10(v))}" for s, v in _thinned(curve.points))
        yield f'<polyline class="c{number}" points="{places}"/>'
        for step, value in curve.points if curve.marked and len(curve.points) <= _PIECES else ():
            yield self._mark(number, curve.name, step, value)

    def _mark(self, series: int, name: str, step: int, value: float) -> str:
        told = f"<title>{escaped(name)} at step {number(step)}: {number(value)}</title>"
        return (
            f'<circle class="c{series}" cx="{self.x(step)}" cy="{self.y(math.log10(value))}" r="2.6">'
            f"{told}</circle>"
        )


def _drawable(points: Points) -> Points:
    return [(step, value) for step, value in points if drawable(value)]


def _thinned(points: Points) -> Iterator[tuple[int, float]]:
    """The lowest and the highest of each of about 200 pieces."""
    size = max(1, len(points) // _PIECES)
    for start in range(0, len(points), size):
        piece = sorted(points[start : start + size], key=lambda point: point[1])
        yield from sorted({piece[0], piece[-1]})


def _left_out(count: int) -> str:
    return f" ({count} values that are not positive and finite are left out)" if count else ""


def _legend(curves: Sequence[Curve], level: tuple[str, float] | None) -> str:
    keys = [(f"key c{number}", curve.name) for number, curve in enumerate(curves) if curve.points]
    keys += [("key level", f"{level[0]}, {number(level[1])}")] if level else []
    items = "".join(f'<li><span class="{kind}"></span>{escaped(name)}</li>' for kind, name in keys)
    if len(keys) == 1:
        return ""  # the title says it
    return f'<ul class="legend">{items}</ul>'
