"""Curves, ticks and words on the page of a run."""

import math
import re

import pytest

from stde_pdes.report.page._axes import log_limits, log_ticks, ticks
from stde_pdes.report.page._chart import Chart, Curve
from stde_pdes.report.page._html import prose
from stde_pdes.report.page._words import duration, number

# --- curves and words


@pytest.mark.parametrize(
    "values",
    [[1.0], [1e-300, 1e300], [0.5, 0.500001], [3.0, -1.0, 0.0, float("nan"), float("inf")], [1e-12, 5.0]],
)
def test_any_values_are_drawn(values):
    drawn = Chart("Loss", [Curve("loss", list(enumerate(values)), marked=True)], ("trivial", 0.1)).draw()
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", drawn.partition('points="')[2].partition('"')[0])]
    assert numbers and all(0 <= n <= 380 for n in numbers) and "nan" not in drawn
    left_out = sum(not (math.isfinite(value) and value > 0) for value in values)
    told = re.findall(r"(\d+) values that are not positive and finite are left out", drawn)
    assert told == ([str(left_out)] if left_out else [])


def test_long_curves_keep_their_extremes_and_little_else():
    points = [(step, 2.0 + (step == 70_001) - (step == 30_001)) for step in range(100_000)]
    drawn = Chart("Loss", [Curve("loss", points, marked=True)]).draw()
    places = re.search(r'points="([^"]*)"', drawn)[1].split()
    assert len(places) <= 402 and "<circle" not in drawn
    heights = [float(place.partition(",")[2]) for place in places]
    assert len({max(heights), min(heights), heights[0]}) == 3


def test_nothing_to_draw_is_not_drawn():
    assert (
        Chart("Loss", [Curve("loss", [])]).draw() == Chart("Loss", [Curve("loss", [(1, -1.0)])]).draw() == ""
    )


def test_ticks_are_round_and_inside():
    assert ticks(0, 800) == [0, 200, 400, 600, 800] and ticks(0, 966_656)[1] == 250_000
    assert [label for _, label in log_ticks(*log_limits([1e-5, 4.0]))] == [
        "10⁻⁵",
        "10⁻⁴",
        "10⁻³",
        "10⁻²",
        "10⁻¹",
        "1",
    ]
    assert [label for _, label in log_ticks(*log_limits([0.17, 5.8]))] == ["0.2", "0.5", "1", "2", "5"]
    for limits in [(1e-300, 1e300), (2.0, 2.0), (1.0, 1.3), (3e-4, 9e-4)]:
        low, high = log_limits(limits)
        found = log_ticks(low, high)
        assert 2 <= len(found) <= 8 and all(low <= place <= high for place, _ in found)


def test_numbers_and_durations_are_readable():
    shown = [number(v) for v in (1.2799e-3, 0.0, 0.923, 51.12, 2827.2, 12345.6, 3.2e7, float("nan"), 20_000)]
    assert shown == [
        "1.28e-3",
        "0",
        "0.923",
        "51.1",
        "2\u202f827",
        "12\u202f346",
        "3.20e7",
        "nan",
        "20\u202f000",
    ]
    assert [duration(s) for s in (0.28, 59.9, 61.0, 7380.0)] == ["0.28 s", "60 s", "1 min 1 s", "2 h 3 min"]


def test_indices_are_set_as_such():
    assert prose("u_t + 6uu_x") == "u<sub>t</sub> + 6uu<sub>x</sub>"
    assert prose("3(u_yu_x)_x") == "3(u<sub>y</sub>u<sub>x</sub>)<sub>x</sub>"
    assert prose("Σ_{i<d} c_i") == "Σ<sub>i&lt;d</sub> c<sub>i</sub>"
    assert prose("`num_samples` and gpinn_weight") == "<code>num_samples</code> and gpinn_weight"
