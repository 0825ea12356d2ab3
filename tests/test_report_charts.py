"""The picture of the curves of a run."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from stde_pdes.report.plots import draw_curves

LINE = {"step": 1, "loss": 1.0, "seconds": 1.0, "steps_per_second": 1.0}


@pytest.fixture
def drawn(monkeypatch):
    """The axes of the last figure that was drawn."""
    found = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (found.append(self.axes), save(self, *a, **k))
    )
    return found


def of_losses(values, **fields):
    return [LINE | {"step": step, "loss": value} | fields for step, value in enumerate(values)]


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_loss_shares_errors_and_stages_are_drawn(drawn, tmp_path):
    metrics = of_losses([3.0, 2.0, 1.0], losses={"equation": 0.7, "$\\frac{ <b>": 0.3})
    metrics[0] |= {"relative_l1": 0.8, "relative_l2": 0.9, "relative_error_origin": None}
    metrics[2] |= {"relative_l1": 0.1, "relative_l2": 0.2}
    assert draw_curves(tmp_path, metrics, 0.5, [1])
    loss, errors = drawn[-1]
    assert names(loss) == ["loss", "share of equation", r"share of \$\frac{ <b>"]
    assert names(errors) == ["relative L2 error", "relative L1 error", "best trivial solution"]
    assert np.array_equal(loss.lines[0].get_ydata(), [3, 2, 1]) and list(loss.lines[-1].get_xdata()) == [1, 1]
    assert np.array_equal(errors.lines[0].get_xydata(), [[0, 0.9], [2, 0.2]])
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1320, 432)


def test_one_condition_and_no_errors_are_one_curve(drawn, tmp_path):
    assert draw_curves(tmp_path, of_losses([3.0, 2.0], losses={"equation": 3.0}), trivial=0.5)
    assert [names(axes) for axes in drawn[-1]] == [["loss"]]


def test_nothing_to_draw_is_not_drawn(tmp_path):
    for metrics in ([], of_losses([-1.0, 0.0, float("nan")])):
        assert not draw_curves(tmp_path, metrics) and not list(tmp_path.iterdir())


def test_what_a_logarithm_cannot_show_is_left_out_and_told_of(drawn, tmp_path):
    assert draw_curves(tmp_path, of_losses([3.0, -1.0, 0.0, float("nan"), float("inf")]))
    assert drawn[-1][0].get_title().endswith("\n(4 values that are not positive and finite are left out)")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4),
    values=st.lists(st.floats(), min_size=1, max_size=4),
    losses=st.dictionaries(st.text(), st.floats(), min_size=2),
)
def test_any_values_and_names_are_drawn(steps, values, losses, tmp_path):
    metrics = [
        LINE | {"step": step, "loss": value, "relative_l2": value, "losses": losses}
        for step, value in zip(steps, values, strict=False)
    ]
    draw_curves(tmp_path, metrics, values[0], steps)
