"""What a user does on the weights page, from an empty window to a core that was killed.

Run by the tests in this process, offscreen; run as a program it opens a real X11 window.
Both processes, real files, mouse and keyboard only.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from safetensors.numpy import save_file

from inspector.app.assemble import Assembled, assemble
from inspector.pages.weights import WeightsPage
from inspector.theme import DARK

PATIENCE_S = 60.0
PLANTED = (137, 460)
"""Row and first column of the one bad group."""
SHAPE = (300, 700)
LARGE_TENSORS, LARGE_BYTES = 256, 1 << 23

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


# ---------------------------------------------------------------- files


def write_planted(path: Path) -> np.ndarray:
    """Write a 2:4 layer in which one group keeps three; return its values."""
    random = np.random.default_rng(7)
    weight = random.standard_normal(SHAPE).astype(np.float32)
    groups = weight.reshape(-1, 4)
    drop = np.argsort(random.random(groups.shape), axis=1)[:, :2]
    np.put_along_axis(groups, drop, 0, axis=1)
    row, column = PLANTED
    weight[row, column : column + 4] = (0.5, -0.25, 0, 0.125)
    network = {"block.0.fc.weight": weight, "block.0.fc.bias": weight[0, :300].copy()}
    network["block.1.fc.weight"] = weight[:40, :40].copy()
    network["head.weight"] = random.standard_normal((10, 300)).astype(np.float32)
    save_file(network, path)
    return weight


def write_large(path: Path) -> None:
    """Write 2 GB that take no room: long enough a scan to be stopped."""
    header = {
        f"layers.{number}.fc.weight": {
            "dtype": "F32",
            "shape": [LARGE_BYTES // 4096, 1024],
            "data_offsets": [number * LARGE_BYTES, (number + 1) * LARGE_BYTES],
        }
        for number in range(LARGE_TENSORS)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + LARGE_TENSORS * LARGE_BYTES)


# ---------------------------------------------------------------- hands


def until(done: Callable[[], object], what: str, seen: Callable[[], object] = str) -> None:
    """Let the program run until something is so; ``seen`` says what is there instead."""
    give_up = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > give_up:
            raise AssertionError(f"never came: {what}, but {seen()}")
        QTest.qWait(5)


def drop(window: QWidget, path: Path) -> None:
    """Drag a file over the window and let it go."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy = Qt.DropAction.CopyAction
    where = QPoint(window.width() // 2, window.height() // 2)
    enter = QDragEnterEvent(where, copy, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(where), copy, data, LEFT, NONE))


def roll(widget: QWidget, at: QPoint, notches: int) -> None:
    """Turn the wheel at a place."""
    there = QPointF(widget.mapToGlobal(at))
    turn = QPoint(0, 120 * notches)
    phase = Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(
        QPointF(at), there, QPoint(), turn, Qt.MouseButton.NoButton, NONE, phase, False
    )
    QApplication.sendEvent(widget, wheel)


Somebody = TypeVar("Somebody", bound="User")


class User:
    """Somebody in front of the window."""

    def __init__(self, parts: Assembled) -> None:
        self.window, self.link = parts.window, parts.link

    @property
    def page(self) -> WeightsPage:
        page = self.window.page
        assert page is not None
        return page

    @property
    def shown(self) -> dict:
        return self.page.shown()

    def settled(self) -> None:
        until(lambda: self.window.page is not None and self.page.settled, "a settled page")
        assert self.window.problems.problems == ()

    def click_layer(self, name: str) -> None:
        tree = self.page.layers.tree
        index = tree.model().index_of(name)
        tree.scrollTo(index)
        QTest.mouseClick(tree.viewport(), LEFT, pos=tree.visualRect(index).center())

    def point_at(self, row: int, column: int) -> QPoint:
        """Move the mouse over a weight and wait until its value is shown."""
        canvas = self.page.canvas
        middle = canvas.position_of(row, column)
        assert middle is not None
        # The pixel that holds the middle: rounding would go to the next where cells are one wide.
        place = QPoint(int(middle.x()), int(middle.y()))
        QTest.mouseMove(canvas, place)
        until(
            lambda: (
                (self.shown["cursor"] or {}).get("row") == row
                and self.shown["cursor"]["column"] == column
            ),
            f"the value at {row}, {column}",
            lambda: self.shown,
        )
        return place


# ---------------------------------------------------------------- the story


def lit(page: WeightsPage) -> list[QPoint]:
    """Return the pixels of the map that have the colour of a violation."""
    image = page.canvas.grab().toImage()
    scale = image.devicePixelRatio()
    bad = QColor(DARK.bad)
    area = page.canvas.rect().adjusted(60, 0, -20, -110)
    return [
        QPoint(x, y)
        for y in range(area.top(), area.bottom())
        for x in range(area.left(), area.right())
        if _near(image.pixelColor(round(x * scale), round(y * scale)), bad)
    ]


def _near(one: QColor, other: QColor) -> bool:
    return (
        abs(one.red() - other.red()) < 110
        and one.red() > 120
        and one.red() - one.green() > 50
        and one.red() - one.blue() > 50
    )


def opens_by_drop(user: User, file: Path) -> None:
    drop(user.window, file)
    user.settled()
    assert user.shown["counters"]["tensors"] == 4
    assert user.shown["counters"]["broken"] == 1
    assert user.shown["tensor"] == "block.0.fc.weight"
    assert user.shown["plane"] == "violation"
    assert "worst violation" in user.shown["badge"]


def filters_and_selects(user: User) -> None:
    window, page = user.window, user.page
    QTest.keyClick(page.layers.tree, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.layers.filter.hasFocus()
    QTest.keyClicks(page.layers.filter, "BLOCK weight")
    until(lambda: page.layers.shown.text() == "2 of 4", "two layers")
    user.click_layer("block.1.fc.weight")
    user.settled()
    assert user.shown["tensor"] == "block.1.fc.weight"
    QTest.keyClick(page.layers.tree, Qt.Key.Key_Up)
    user.settled()
    assert user.shown["tensor"] == "block.0.fc.weight"
    page.layers.filter.setFocus()
    QTest.keyClick(page.layers.filter, Qt.Key.Key_Escape)
    until(lambda: page.layers.shown.text() == "4", "all layers")
    assert window.session.state.file is not None
    assert window.session.state.file.tensor == "block.0.fc.weight"


def finds_the_planted_group(user: User, weight: np.ndarray) -> None:
    """At fit the one bad group is seen; the wheel goes there; its values are the file's."""
    page, canvas = user.page, user.page.canvas
    row, column = PLANTED
    pixels = lit(page)
    assert pixels, "the bad group is not seen at fit"
    expected = canvas.position_of(row, column + 1)
    assert expected is not None
    assert all((QPointF(pixel) - expected).manhattanLength() < 12 for pixel in pixels)
    at = pixels[len(pixels) // 2]
    for _ in range(30):
        roll(canvas, at, 1)
        if min(canvas.cell_pixels) >= 24:
            break
    user.settled()
    for step in range(4):
        place = user.point_at(row, column + step)
        assert user.shown["cursor"]["value"] == weight[row, column + step]
        assert user.shown["cursor"]["kept"] == (weight[row, column + step] != 0)
        if step == 0:
            QTest.mouseClick(canvas, LEFT, pos=place)
    assert len(lit(page)) > len(pixels), "the group does not grow with the zoom"


def goes_by_keyboard(user: User) -> None:
    page, window = user.page, user.window
    QTest.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert page.canvas.hasFocus()
    QTest.keyClick(page.canvas, Qt.Key.Key_F)
    assert page.canvas.view is not None
    assert page.canvas.view.whole
    for key, plane in ((Qt.Key.Key_1, "density"), (Qt.Key.Key_5, "value")):
        QTest.keyClick(window, key)
        user.settled()
        assert user.shown["plane"] == plane
    QTest.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    user.settled()
    assert user.shown["tensor"] == "block.1.fc.weight"


def cancels(user: User, file: Path) -> None:
    """A scan of 2 GB leaves the window alive, and stops when told so."""
    turns: list[int] = []
    clock = QTimer(interval=5)
    clock.timeout.connect(lambda: turns.append(1))
    clock.start()
    drop(user.window, file)
    until(
        lambda: user.window.status.bar.isVisible() and user.window.status.bar.share > 0,
        "progress of the scan",
    )
    cancel = user.window.status.cancel
    QTest.mouseClick(cancel, LEFT, pos=cancel.rect().center())
    feed = user.window.feed
    assert feed is not None
    until(lambda: not feed.running, "the end of the scan")
    clock.stop()
    assert feed.stage == "stopped"
    assert 0 < len(feed.table) == LARGE_TENSORS
    assert feed.table.scanned.sum() < LARGE_TENSORS
    assert "Cancelled" in user.window.status.text.whole
    assert len(turns) > 5, "the window stood still"
    QTest.keyClick(user.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)


def outlives_the_core(user: User, file: Path, weight: np.ndarray) -> None:
    """The core is killed; what is shown stays, what is asked is answered by the next one."""
    before = user.link.pid
    assert before
    os.kill(before, signal.SIGKILL)
    until(lambda: user.link.ready and user.link.pid != before, "another core")
    until(lambda: bool(user.window.problems.problems), "a notice")
    assert "started again" in user.window.problems.sentence.text()
    dismiss = user.window.problems.dismiss
    QTest.mouseClick(dismiss, LEFT, pos=dismiss.rect().center())
    user.click_layer("block.0.fc.weight")
    user.settled()
    user.point_at(*_first_cell(user))
    cursor = user.shown["cursor"]
    assert cursor["value"] == weight[cursor["row"], cursor["column"]]
    QTest.keyClick(user.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert user.window.page is None
    drop(user.window, file)
    user.settled()
    assert user.shown["counters"]["broken"] == 1


def _first_cell(user: User) -> tuple[int, int]:
    """Return a weight that a cell of the map begins with, wherever the zoom stands."""
    view = user.page.canvas.view
    assert view is not None
    found = view.weight_at(view.rows.extent / 2, view.columns.extent / 2)
    assert found is not None
    return found


def sees_a_change_on_disk(user: User, file: Path) -> None:
    replacement = file.with_name("replacement")
    save_file({"only.weight": np.ones((8, 8), np.float32)}, replacement)
    replacement.replace(file)
    until(lambda: bool(user.window.problems.problems), "a notice of the change")
    assert "changed on disk" in user.window.problems.sentence.text()
    QTest.keyClick(user.window, Qt.Key.Key_F5)
    until(
        lambda: user.page.settled and user.shown["counters"]["tensors"] == 1,
        "the file as it is now",
    )
    assert user.window.problems.problems == ()


def refuses_a_stranger(user: User, file: Path) -> None:
    file.write_text("no checkpoint")
    drop(user.window, file)
    until(lambda: bool(user.window.problems.problems), "a sentence")
    sentence = user.window.problems.sentence.text()
    assert file.name in sentence
    assert "Traceback" not in sentence


def play(user: User, folder: Path) -> None:
    """Go through the whole story."""
    file = folder / "geprüft 2.safetensors"
    weight = write_planted(file)
    write_large(folder / "large.safetensors")
    opens_by_drop(user, file)
    filters_and_selects(user)
    finds_the_planted_group(user, weight)
    goes_by_keyboard(user)
    cancels(user, folder / "large.safetensors")
    outlives_the_core(user, file, weight)
    sees_a_change_on_disk(user, file)
    refuses_a_stranger(user, folder / "notes.txt")


def start(app: QApplication, settings: Path, kind: type[Somebody] = User) -> Somebody:
    """Open the window as ``main.py`` does, dark, with the real core, and put a user before it."""
    parts = assemble(app, settings)
    parts.follower.wish("dark")
    parts.window.show()
    QTest.qWaitForWindowExposed(parts.window)
    parts.window.activateWindow()
    QTest.qWaitForWindowActive(parts.window)
    parts.link.start()
    return kind(parts)


def main() -> int:
    """Play on the screen that the environment names."""
    app = QApplication(["sparsescope"])
    with tempfile.TemporaryDirectory() as folder:
        user = start(app, Path(folder) / "settings.json")
        try:
            play(user, Path(folder))
        finally:
            user.window.close()
    sys.stdout.write(f"played on {app.platformName()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
