"""The canvas as it is drawn and driven: pixels of a real grab, mouse, keyboard, names."""

import gc
import weakref
import zlib

import msgspec
import numpy as np
import pytest
from canvas_tiles import Matrix, two_of_four
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from inspector.theme import DARK, LIGHT
from inspector.views.tile_canvas import TileCanvas
from inspector.views.tile_canvas.needed import visible_tiles
from sparse_core.messages import Cell, TileKey

pytestmark = pytest.mark.gui
PLANES = ("density", "violation", "mask", "magnitude", "value")


def shown(qtbot, matrix, plane="violation", theme=DARK, size=(640, 520), answer=True):
    canvas = TileCanvas(theme)
    qtbot.addWidget(canvas)
    canvas.resize(*size)
    if answer:
        matrix.answer(canvas)
    canvas.set_plane(plane)
    canvas.set_picture(matrix.picture)
    canvas.show()
    settle()
    return canvas


def settle():
    for _ in range(4):
        QApplication.processEvents()


def pixels(canvas):
    """Return the widget's own pixels as 0xrrggbb, ``(height, width)``."""
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return raw[:, : image.width()] & 0xFFFFFF


def block(canvas, row, column):
    """Return the pixels of a weight's cell."""
    middle = canvas.position_of(row, column)
    assert middle is not None
    height, width = canvas.cell_pixels
    top, left = round(middle.y() - height / 2), round(middle.x() - width / 2)
    return pixels(canvas)[top : top + height, left : left + width]


def area(canvas):
    """Return the pixels where cells are drawn."""
    view, plot = canvas.view, canvas._plot
    return pixels(canvas)[
        plot.top + view.rows.start : plot.top + view.rows.stop,
        plot.left + view.columns.start : plot.left + view.columns.stop,
    ]


def reddish(colours):
    red, green = (colours >> 16) & 0xFF, (colours >> 8) & 0xFF
    return red.astype(int) - green > 60


def wheel(canvas, at, delta):
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("zoom", [0, 1, 3, 6, 11])
def test_column_5_of_the_violation_plane_is_red(qtbot, theme, zoom):
    matrix = two_of_four(60, 64, [(row, 4) for row in range(60)])
    canvas = shown(qtbot, matrix, theme=theme)
    canvas.set_zoom(zoom)
    canvas._set_view(canvas.view.moved(-(10**6), -(10**6)))
    settle()
    assert reddish(block(canvas, 1, 5)).mean() > 0.6
    assert not reddish(block(canvas, 1, 3)).any()
    assert not reddish(block(canvas, 1, 9)).any()


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("zoom", [-2, -1, 0, 3, 5])
def test_every_drawn_pixel_is_the_colour_of_its_cell(qtbot, plane, zoom):
    matrix = two_of_four(700, 1100, [(3, 8), (600, 1000)])
    canvas = shown(qtbot, matrix, plane)
    canvas.set_zoom(zoom)
    settle()
    view = canvas.view
    cells = matrix.level(plane, view.rows.level, view.columns.level)
    rows = np.arange(view.rows.start, view.rows.stop) + view.rows.origin
    columns = np.arange(view.columns.start, view.columns.stop) + view.columns.origin
    table = np.array(canvas._theme.colour_map(plane), np.uint32) & 0xFFFFFF
    truth = table[cells[rows // view.rows.cell][:, columns // view.columns.cell]]
    np.testing.assert_array_equal(area(canvas), truth)


def test_every_violating_group_lights_a_pixel_at_every_zoom(qtbot):
    random = np.random.default_rng(5)
    broken = [
        (int(row), 4 * int(group))
        for row, group in zip(random.integers(0, 900, 40), random.integers(0, 500, 40), strict=True)
    ]
    matrix = two_of_four(900, 2000, broken)
    canvas = shown(qtbot, matrix, size=(500, 420))
    for zoom in (-3, -2, -1, 0, 1, 2, 5, 7, 12):
        canvas.set_zoom(zoom)
        settle()
        for row, column in broken:
            if canvas.position_of(row, column) is not None:
                assert reddish(block(canvas, row, column)).any(), (zoom, row, column)


def test_the_drawn_mean_is_the_true_mean(qtbot):
    matrix = two_of_four(512, 768)
    for plane in ("density", "mask"):
        canvas = shown(qtbot, matrix, plane, LIGHT, (500, 420))
        table = np.array(LIGHT.colour_map("density"), np.uint32) & 0xFFFFFF
        blue = (table >> 16) & 0xFF
        drawn = (area(canvas) >> 16) & 0xFF
        share = (int(blue[0]) - drawn.astype(float)) / (int(blue[0]) - int(blue[255]))
        if plane == "density":
            assert abs(share.mean() - matrix.kept.mean()) <= 1.5 / 255
        else:
            pooled = matrix.level("mask", canvas.view.rows.level, canvas.view.columns.level)
            assert abs(share.mean() - (pooled > 0).mean()) < 1e-9


def test_violations_are_hatched_where_there_is_room(qtbot):
    matrix = two_of_four(40, 40, [(20, 20)])
    canvas = shown(qtbot, matrix)
    canvas.zoom_to(20, 20, 1, 4)
    settle()
    inside = block(canvas, 20, 21)[3:-3, 3:-3]
    assert reddish(inside).any()
    assert not reddish(inside).all()


def test_zoom_to_brings_a_block_to_the_middle_and_marks_it(qtbot):
    matrix = two_of_four(1800, 1600, [(1717, 1200)])
    canvas = shown(qtbot, matrix)
    canvas.zoom_to(1717, 1200, 1, 4)
    settle()
    assert canvas.cell_pixels == (24, 24)
    at = canvas.position_of(1717, 1202)
    plot = canvas._layout.plot
    assert abs(at.x() - plot.center().x()) <= 24
    assert abs(at.y() - plot.center().y()) <= 24
    assert (pixels(canvas) == int(DARK.look[1:], 16)).any()
    canvas.clear_choice()
    settle()
    assert not (pixels(canvas) == int(DARK.look[1:], 16)).any()


def test_the_badge_says_what_a_pixel_stands_for(qtbot):
    canvas = shown(qtbot, two_of_four(16384, 64), answer=False)
    view = canvas.view
    assert canvas.badge == f"1×{view.columns.cell} px = 64×1 weights · worst violation"
    canvas.set_plane("magnitude")
    assert canvas.badge.endswith("largest |w|")
    canvas.set_zoom(5)
    assert canvas.badge == f"6×{canvas.view.columns.cell} px = 1 weight · |w|"
    large = msgspec.structs.replace(
        canvas.picture, rows=16384, columns=16384, row_levels=15, column_levels=15
    )
    canvas.set_picture(large)
    canvas.set_plane("violation")
    canvas.set_zoom(-4)
    assert canvas.badge == "1 px = 16×16 weights · worst violation"


def test_more_known_of_the_same_picture_keeps_view_and_tiles(qtbot):
    matrix = two_of_four(300, 300)
    first = msgspec.structs.replace(
        matrix.picture, scale=0.0, pattern=None, axis=None, group_rows=0, group_columns=0
    )
    canvas = TileCanvas(DARK)
    qtbot.addWidget(canvas)
    canvas.resize(500, 400)
    asked = []
    canvas.tiles_wanted.connect(lambda plane, keys: asked.append(keys))
    canvas.set_picture(first)
    canvas.show()
    settle()
    assert canvas.badge.endswith("violation")
    canvas.set_zoom(3)
    settle()
    for key in asked[-1]:
        canvas.add_tile(matrix.tile("violation", key))
    view, times = canvas.view, len(asked)
    canvas.set_picture(matrix.picture)
    settle()
    assert canvas.picture == matrix.picture
    assert (canvas.view, canvas.sharp, len(asked)) == (view, True, times)
    canvas.set_picture(None)
    canvas.set_picture(matrix.picture)
    assert not canvas.sharp
    assert canvas.view.whole


def test_no_pattern_is_said(qtbot):
    matrix = two_of_four(30, 30)
    plain = Matrix(matrix.weights)
    canvas = shown(qtbot, plain)
    canvas.set_picture(
        msgspec.structs.replace(
            plain.picture, pattern=None, axis=None, group_rows=0, group_columns=0
        )
    )
    settle()
    assert canvas.badge.endswith("no pattern to break")


def test_one_set_of_tiles_for_one_move(qtbot):
    matrix = two_of_four(2000, 2000)
    canvas = shown(qtbot, matrix, answer=False)
    asked = []
    canvas.tiles_wanted.connect(lambda plane, keys: asked.append((plane, keys)))
    for _ in range(7):
        canvas.zoom_in()
    settle()
    assert len(asked) == 1
    plane, keys = asked[0]
    assert plane == "violation"
    assert keys[0] == TileKey(2, 2, 0, 0)
    assert set(visible_tiles(canvas.view)) <= set(keys)
    canvas.ask_again()
    settle()
    assert asked[1] == asked[0]


def test_a_tile_that_is_not_seen_repaints_nothing(qtbot):
    matrix = two_of_four(2000, 2000)
    canvas = shown(qtbot, matrix)
    canvas.set_zoom(0)
    settle()
    painted = []
    watched = TileWatch(canvas, painted)
    assert watched
    settle()
    painted.clear()
    canvas.add_tile(matrix.tile("violation", TileKey(0, 0, 3, 3)))
    canvas.add_tile(matrix.tile("density", visible_tiles(canvas.view)[0]))
    settle()
    assert painted == []
    for key in visible_tiles(canvas.view):
        canvas.add_tile(matrix.tile("violation", key))
    settle()
    assert len(painted) == 1
    move(canvas, QPoint(300, 200))
    settle()
    assert len(painted) == 1


class TileWatch:
    """Counts the paint events of a canvas."""

    def __init__(self, canvas, painted):
        inner = canvas.paintEvent

        def counted(event):
            painted.append(event)
            inner(event)

        canvas.paintEvent = counted


def move(canvas, at, buttons=Qt.MouseButton.NoButton):
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        Qt.MouseButton.NoButton,
        buttons,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(canvas, event)


def test_tiles_of_another_tensor_or_view_are_dropped(qtbot):
    matrix = two_of_four(100, 100)
    canvas = shown(qtbot, matrix, answer=False)
    tile = matrix.tile("violation", visible_tiles(canvas.view)[0])
    canvas.add_tile(msgspec.structs.replace(tile, tensor="fc2.weight"))
    canvas.add_tile(msgspec.structs.replace(tile, view=2))
    assert not canvas.sharp
    packed = msgspec.structs.replace(tile, packed=True, data=zlib.compress(tile.data))
    canvas.add_tile(packed)
    assert canvas.sharp


def test_the_wheel_holds_the_weight_under_the_mouse(qtbot):
    matrix = two_of_four(2000, 2000)
    canvas = shown(qtbot, matrix)
    at = QPoint(321, 217)
    seen = []
    canvas.cell_hovered.connect(lambda row, column: seen.append((row, column)))
    for _ in range(8):
        wheel(canvas, at, 120)
    move(canvas, at)
    first = seen[-1]
    closer = canvas.cell_pixels
    wheel(canvas, at, 120)
    move(canvas, at + QPoint(1, 0))
    assert canvas.cell_pixels[0] > closer[0]
    assert abs(seen[-1][0] - first[0]) <= 1
    assert abs(seen[-1][1] - first[1]) <= 1
    for _ in range(40):
        wheel(canvas, at, -120)
    assert canvas.view.whole


def test_small_wheel_steps_add_up(qtbot):
    canvas = shown(qtbot, two_of_four(500, 500))
    zoom = canvas.view.zoom
    for _ in range(3):
        wheel(canvas, QPoint(200, 200), 40)
    assert canvas.view.zoom == zoom + 1


def test_a_drag_moves_the_picture_with_the_mouse(qtbot):
    matrix = two_of_four(2000, 2000)
    canvas = shown(qtbot, matrix)
    canvas.set_zoom(3)
    start = canvas.view
    chosen = []
    canvas.cell_chosen.connect(lambda *cell: chosen.append(cell))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    for step in range(1, 6):
        move(canvas, QPoint(300 - 10 * step, 200 - 4 * step), Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(250, 180))
    assert canvas.view.columns.origin - start.columns.origin == 50
    assert canvas.view.rows.origin - start.rows.origin == 20
    assert chosen == []


def test_a_click_chooses_the_group(qtbot):
    matrix = two_of_four(50, 50)
    canvas = shown(qtbot, matrix)
    chosen = []
    canvas.cell_chosen.connect(lambda *cell: chosen.append(cell))
    at = canvas.position_of(20, 21).toPoint()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    settle()
    assert chosen == [(20, 21)]
    assert (pixels(canvas) == int(DARK.look[1:], 16)).any()


def test_double_click_goes_close_and_back(qtbot):
    canvas = shown(qtbot, two_of_four(2000, 2000))
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    assert canvas.cell_pixels == (24, 24)
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    assert canvas.view.whole


def test_the_mouse_tells_the_weight_below_it_once(qtbot):
    matrix = two_of_four(20, 20)
    canvas = shown(qtbot, matrix)
    seen = []
    canvas.cell_hovered.connect(lambda *cell: seen.append(cell))
    at = canvas.position_of(7, 3).toPoint()
    move(canvas, at)
    move(canvas, at + QPoint(1, 1))
    move(canvas, QPoint(1, 1))
    assert seen == [(7, 3)]


def test_keys_pan_zoom_and_fit(qtbot):
    canvas = shown(qtbot, two_of_four(2000, 2000))
    whole = canvas.view
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    closer = canvas.view
    assert closer.zoom == whole.zoom + 3
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.view.columns.origin > closer.columns.origin
    assert canvas.view.rows == closer.rows
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert canvas.view.rows.origin > closer.rows.origin
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert canvas.view == closer
    qtbot.keyClick(canvas, Qt.Key.Key_End)
    assert canvas.view.weight_at(canvas.view.rows.stop - 1, canvas.view.columns.stop - 1) == (
        1999 >> canvas.view.rows.level << canvas.view.rows.level,
        1999 >> canvas.view.columns.level << canvas.view.columns.level,
    )
    qtbot.keyClick(canvas, Qt.Key.Key_Home)
    assert canvas.view.rows.origin == canvas.view.columns.origin == 0
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    assert canvas.view.zoom == closer.zoom - 1
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert canvas.view == whole


def test_the_keyboard_cursor_reads_and_chooses(qtbot):
    canvas = shown(qtbot, two_of_four(40, 40))
    seen, chosen = [], []
    canvas.cell_hovered.connect(lambda *cell: seen.append(cell))
    canvas.cell_chosen.connect(lambda *cell: chosen.append(cell))
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(canvas, Qt.Key.Key_Right, shift)
    qtbot.keyClick(canvas, Qt.Key.Key_Right, shift)
    qtbot.keyClick(canvas, Qt.Key.Key_Down, shift)
    row, column = seen[0]
    assert seen == [(row, column), (row, column + 1), (row + 1, column + 1)]
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert chosen == [seen[-1]]
    canvas.set_cell(Cell(1, "fc1.weight", row, column, (row, column), 0.5, True, text="0.5 kept"))
    assert canvas.accessibleDescription().endswith("0.5 kept")
    canvas.set_zoom(12)
    for _ in range(60):
        qtbot.keyClick(canvas, Qt.Key.Key_Left, shift)
    assert seen[-1] == (row + 1, 0)
    assert canvas.position_of(row + 1, 0) is not None
    settle()
    assert (pixels(canvas) == int(DARK.accent[1:], 16)).any()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas._cursor is None


def test_keys_of_the_window_pass_through(qtbot):
    canvas = shown(qtbot, two_of_four(40, 40))
    view = canvas.view
    qtbot.keyClick(canvas, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(canvas, Qt.Key.Key_Q)
    assert canvas.view == view


def test_names_for_a_screen_reader(qtbot):
    canvas = shown(qtbot, two_of_four(40, 48))
    face = QAccessible.queryAccessibleInterface(canvas)
    assert face.text(QAccessible.Text.Name) == "Heat map of fc1.weight"
    canvas.set_cell(
        Cell(1, "fc1.weight", 3, 4, (3, 4), 0.5, True, text="row 3, in 4–7   0.5   3 kept of 4")
    )
    said = face.text(QAccessible.Text.Description)
    assert said.startswith("40 rows, 48 columns. ")
    assert canvas.badge in said
    assert said.endswith("3 kept of 4")
    canvas.set_picture(None)
    assert face.text(QAccessible.Text.Name) == "Heat map"
    assert "No tensor" in face.text(QAccessible.Text.Description)
    assert canvas.focusPolicy() == Qt.FocusPolicy.StrongFocus


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_a_tensor_without_weights_is_said(qtbot, shape):
    canvas = TileCanvas(LIGHT)
    qtbot.addWidget(canvas)
    asked = []
    canvas.tiles_wanted.connect(lambda *args: asked.append(args))
    canvas.set_picture(
        msgspec.structs.replace(two_of_four(4, 4).picture, rows=shape[0], columns=shape[1])
    )
    canvas.show()
    settle()
    canvas.zoom_in()
    canvas.zoom_to(0, 0)
    wheel(canvas, QPoint(50, 50), 120)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    settle()
    assert (canvas.view, canvas.badge, asked) == (None, "", [])
    assert canvas.sharp


@pytest.mark.parametrize("size", [(40, 40), (3, 500), (240, 200)])
@pytest.mark.parametrize("shape", [(1, 10), (1, 70_000), (50_000, 4), (5, 4)])
def test_odd_shapes_in_odd_sizes(qtbot, shape, size):
    matrix = two_of_four(*shape)
    canvas = shown(qtbot, matrix, size=size)
    for _ in range(3):
        canvas.zoom_in()
    canvas.zoom_to(shape[0] - 1, shape[1] - 1)
    settle()
    canvas.resize(700, 500)
    settle()
    assert canvas.sharp


def test_a_fit_stays_a_fit_when_the_window_grows(qtbot):
    canvas = shown(qtbot, two_of_four(1000, 900), size=(400, 300))
    canvas.resize(900, 700)
    assert canvas.view.whole
    first = canvas.view
    canvas.fit()
    assert canvas.view == first


def test_another_theme_has_other_colours(qtbot):
    canvas = shown(qtbot, two_of_four(40, 40, [(3, 4)]))
    dark = pixels(canvas)
    canvas.set_theme(LIGHT)
    settle()
    assert (pixels(canvas) != dark).mean() > 0.9


def test_a_canvas_that_is_dropped_is_gone(qtbot):
    matrix = two_of_four(600, 600, [(3, 4)])
    canvas = TileCanvas(DARK)
    canvas.resize(400, 300)
    canvas.set_picture(matrix.picture)
    canvas.show()
    settle()
    for key in visible_tiles(canvas.view):
        canvas.add_tile(matrix.tile("violation", key))
    settle()
    gone = weakref.ref(canvas)
    canvas.deleteLater()
    del canvas
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    settle()
    gc.collect()
    assert gone() is None
