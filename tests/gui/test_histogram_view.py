"""The histogram: every value counted is seen, zeros stand apart, heights are logarithms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from inspector.theme import DARK, LIGHT
from inspector.views.histogram import Histogram, log_heights
from sparse_core.messages import Values

pytestmark = pytest.mark.gui


def values(counts, low=-1.0, high=1.0, zeros=7):
    counts = np.array(counts, "<i8")
    edges = np.linspace(low, high, len(counts) + 1).astype("<f8")
    return Values(1, "w", edges.tobytes(), counts.tobytes(), zeros, 0, 0)


def columns_lit(view, theme):
    """Return, for each pixel column of the widget, how many pixels have the accent."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1) & 0xFFFFFF
    return (raw == int(theme.accent[1:], 16)).sum(axis=0)


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=80))
def test_heights_keep_the_order_and_hide_nothing(counts):
    heights = log_heights(np.array(counts, np.int64))
    assert ((heights > 0) == (np.array(counts) > 0)).all()
    assert heights.max(initial=0) <= 1
    order = np.argsort(counts, kind="stable")
    assert (np.diff(heights[order]) >= 0).all()


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_one_value_among_billions_has_a_bar(qtbot, theme):
    view = Histogram(theme)
    qtbot.addWidget(view)
    view.resize(320, 160)
    view.set_values(values([0, 10**9, 0, 1]))
    lit = columns_lit(view, theme)
    quarters = [int(part[4:-4].max()) for part in np.array_split(lit, 4)]
    assert quarters[0] == 0
    assert quarters[1] > 100
    assert quarters[2] == 0
    assert quarters[3] >= 1


def test_zeros_stand_apart(qtbot):
    view = Histogram(DARK)
    qtbot.addWidget(view)
    view.set_values(values([3, 4], zeros=98_941))
    assert view.counts.sum() == 7
    assert "7 values" in view.accessibleDescription()
    assert "98,941 zeros apart" in view.accessibleDescription()


@pytest.mark.parametrize(
    "shown",
    [None, values([]), values([0, 0]), values([5], low=2.0, high=2.0)],
    ids=["nothing", "no bins", "empty bins", "one value"],
)
def test_little_to_show_is_no_trouble(qtbot, shown):
    view = Histogram(LIGHT)
    qtbot.addWidget(view)
    view.resize(200, 120)
    view.set_values(values([1, 2, 3]))
    view.set_values(shown)
    if shown is None:
        assert view.accessibleDescription() == ""
        assert not columns_lit(view, LIGHT).any()
    assert view.grab().width() == 200
