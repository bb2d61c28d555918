"""The layer tree's cells: what is drawn for each state, told by form and not by colour alone."""

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyleOptionViewItem, QTreeView

from inspector.models.roles import Column, Role
from inspector.theme import DARK, LIGHT
from inspector.views.cells import layer_delegates

pytestmark = pytest.mark.gui
WIDTH, HEIGHT = 120, 28
ROW = {
    Role.SHAPE: "256 × 784",
    Role.QUIET: False,
    Role.PATTERN: "2:4",
    Role.CLASS: "broken",
    Role.DENSITY: 0.5,
    Role.BROKEN: 517,
    Role.LIGHTS: (1, 3, 2, 0),
}


def drawn(qtbot, column, theme=DARK, name="fc1.weight", **changes):
    """Return the pixels of one cell as ``(height, width, 3)``."""
    model = QStandardItemModel(1, 1)
    item = QStandardItem(name)
    for role, value in {
        **ROW,
        **{Role[key.upper()]: value for key, value in changes.items()},
    }.items():
        item.setData(value, role)
    model.setItem(0, 0, item)
    tree = QTreeView()
    qtbot.addWidget(tree)
    tree.setModel(model)
    delegate = layer_delegates(theme, tree)[column]
    option = QStyleOptionViewItem()
    option.widget = tree
    option.rect = QRect(0, 0, WIDTH, HEIGHT)
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(int(theme.panel[1:], 16))
    painter = QPainter(image)
    delegate.paint(painter, option, model.index(0, 0))
    painter.end()
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(HEIGHT, WIDTH, 4)
    return raw[:, :, 2::-1].astype(int)


def colour(name):
    return np.array([int(name[place : place + 2], 16) for place in (1, 3, 5)])


def near(pixels, name, slack=30):
    return np.abs(pixels - colour(name)).max(axis=2) <= slack


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("density", [0.0, 0.25, 0.5, 1.0])
def test_the_bar_is_as_long_as_the_density(qtbot, theme, density):
    pixels = drawn(qtbot, Column.DENSITY, theme, density=density)
    line = near(pixels, theme.accent)[HEIGHT // 2]
    assert line.sum() == pytest.approx(density * (WIDTH - 12), abs=2)


def test_the_bar_of_a_quiet_row_is_grey(qtbot):
    pixels = drawn(qtbot, Column.DENSITY, quiet=True)
    assert not near(pixels, DARK.accent).any()
    assert near(pixels, DARK.dim).any()


@pytest.mark.parametrize(
    ("column", "changes"),
    [
        (Column.DENSITY, {"density": None}),
        (Column.BROKEN, {"broken": None}),
        (Column.LIGHTS, {"lights": None}),
        (Column.LIGHTS, {"lights": (0, 0, 0, 0)}),
        (Column.PATTERN, {"pattern": ""}),
    ],
)
def test_what_is_not_known_is_not_drawn(qtbot, column, changes):
    pixels = drawn(qtbot, column, **changes)
    assert (pixels == pixels[0, 0]).all()


def test_broken_groups_are_hatched_and_counted(qtbot):
    pixels = drawn(qtbot, Column.BROKEN, LIGHT)
    mark = near(pixels, LIGHT.bad, 90)[:, 6:16]
    inside = mark[11:18, 2:8]
    assert 0.1 < inside.mean() < 0.9
    assert near(pixels, LIGHT.bad, 90)[:, 22:].any()
    none = drawn(qtbot, Column.BROKEN, LIGHT, broken=0)
    assert not near(none, LIGHT.bad, 60).any()
    assert near(none, LIGHT.dim, 60)[:, 22:].any()


def light(qtbot, state, place=0):
    lights = [0, 0, 0, 0]
    lights[place] = state
    return drawn(qtbot, Column.LIGHTS, lights=tuple(lights))


def test_each_light_has_a_form_of_its_own(qtbot):
    centre = HEIGHT // 2, 6 + 5
    yes, no, violated = (light(qtbot, state) for state in (1, 2, 3))
    assert near(yes, DARK.ok)[centre]
    assert not near(no, DARK.ok).any()
    assert (no[centre] == no[0, 0]).all()
    assert near(no, DARK.dim, 60).any()
    assert near(violated, DARK.bad, 60)[centre[0] - 1 : centre[0] + 2, centre[1]].any()
    grey = [pixels.sum(axis=2) != pixels[0, 0].sum() for pixels in (yes, no, violated)]
    assert len({shape.tobytes() for shape in grey}) == 3


def test_lights_keep_their_places(qtbot):
    lefts = []
    for place in range(4):
        pixels = light(qtbot, 1, place)
        lefts.append(int(np.flatnonzero((pixels != pixels[0, 0]).any(axis=(0, 2)))[0]))
    assert np.diff(lefts).tolist() == [15, 15, 15]


def test_a_broken_pattern_is_amber_and_a_valid_one_green(qtbot):
    broken = drawn(qtbot, Column.PATTERN)
    assert near(broken, DARK.look, 60).any()
    assert not near(broken, DARK.ok, 60).any()
    valid = drawn(qtbot, Column.PATTERN, **{"class": "sparse"})
    assert near(valid, DARK.ok, 60).any()


def test_the_name_stands_above_its_shape_and_long_names_are_cut(qtbot):
    pixels = drawn(qtbot, Column.LAYER)
    rows = np.flatnonzero((pixels != pixels[0, 0]).any(axis=(1, 2)))
    assert rows[0] < HEIGHT / 2 < rows[-1]
    long = drawn(qtbot, Column.LAYER, name="model.layers.17.self_attn.q_proj.weight" * 3)
    assert (long[:, -6:] == long[0, 0]).all()


def test_all_columns_are_painted_and_follow_the_theme(qtbot):
    delegates = layer_delegates(DARK)
    assert set(delegates) == set(Column)
    for delegate in delegates.values():
        delegate.set_theme(LIGHT)
        assert delegate.theme is LIGHT
    assert Qt.ItemDataRole.UserRole not in set(Role)
