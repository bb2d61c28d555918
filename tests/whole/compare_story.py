"""What a user does on the compare page, from two files to the weight that changed.

Both processes, real files, mouse and keyboard only. Plain numpy works out every number.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from safetensors.numpy import save_file
from screens import ROOT
from weights_story import LEFT, NONE, User, roll, until

from inspector.pages.compare import ComparePage
from inspector.theme import DARK
from inspector.views.place_field import PlaceField
from inspector.views.tile_canvas import TileCanvas

LAYER = "block.fc.weight"
SHAPE = (20, 40)

Weights = dict[str, np.ndarray]


# ---------------------------------------------------------------- files


def write_pair(folder: Path) -> tuple[Path, Path, Weights, Weights]:
    """Write a 2:4 network, and the same after some weights moved in their groups."""
    random = np.random.default_rng(3)
    a = {LAYER: two_of_four(random.standard_normal(SHAPE).astype(np.float32))}
    a["head.weight"] = two_of_four(random.standard_normal((8, 16)).astype(np.float32))
    a["gone.weight"] = two_of_four(random.standard_normal((8, 8)).astype(np.float32))
    b = {name: weight.copy() for name, weight in a.items() if name != "gone.weight"}
    for row, group in ((2, 3), (2, 7), (11, 0), (19, 9)):
        four = b[LAYER][row, 4 * group : 4 * group + 4]
        four[:] = four[[1, 2, 3, 0]] * 1.5
    b[LAYER][5, 8:12] = (1, 2, 3, 0)
    one, other = folder / "before.safetensors", folder / "after.safetensors"
    save_file(a, one)
    save_file(b, other)
    return one, other, a, b


def two_of_four(weight: np.ndarray) -> np.ndarray:
    """Set the two smallest of four to zero."""
    groups = np.abs(weight).reshape(-1, 4)
    order = np.argsort(np.argsort(-groups, axis=1), axis=1)
    return np.where((order < 2).reshape(weight.shape), weight, np.float32(0))


# ---------------------------------------------------------------- hands


class Comparer(User):
    """Somebody who compares."""

    @property
    def compare(self) -> ComparePage:
        page = self.window.shelf.front
        assert isinstance(page, ComparePage)
        return page

    def rests(self) -> None:
        QTest.qWait(60)
        until(lambda: self.compare.settled, "a settled comparison", self.compare.shown)
        assert self.window.problems.problems == ()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.window, key, modifiers)
        QTest.qWait(1)

    def writes(self, field: PlaceField, path: Path) -> None:
        field.line.setFocus()
        field.line.selectAll()
        QTest.keyClicks(field.line, str(path))
        QTest.keyClick(field.line, Qt.Key.Key_Return)

    def cells(self) -> dict[str, list[str]]:
        """Read the table off the screen: the cells of each layer."""
        model = self.compare.table
        rows = [
            [model.index(row, column).data() for column in range(model.columnCount())]
            for row in range(model.rowCount())
        ]
        return {row[0]: row for row in rows}

    def heads(self) -> list[str]:
        model = self.compare.table
        return [
            model.headerData(column, Qt.Orientation.Horizontal)
            for column in range(model.columnCount())
        ]


def says(canvas: TileCanvas, words: str) -> None:
    until(lambda: words in canvas.read_out, words, lambda: canvas.read_out)


# ---------------------------------------------------------------- the story


def chooses_two(user: Comparer, first: Path, second: Path) -> None:
    user.press(Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    page = user.compare
    assert page.start.isVisible()
    user.writes(page.a, first)
    assert page.start.isVisible()
    user.writes(page.b, second)
    user.rests()
    assert page.body.isVisible()
    assert page.maps.layer == LAYER


def reads_the_table(user: Comparer, first: Path, second: Path, a: Weights, b: Weights) -> None:
    """The figures are those of numpy, and of the command line."""
    page = user.compare
    flips = {name: int(((a[name] != 0) ^ (b[name] != 0)).sum()) for name in b}
    total = sum(flips.values())
    assert page.verdict.headline.text().startswith(f"{total} weights of {800 + 128} changed sides")
    assert "gone.weight" in page.verdict.conditions.text()
    assert "1 group newly broken in B" in page.verdict.detail.text()
    cells, heads = user.cells(), user.heads()
    assert list(cells) == [LAYER, "head.weight"]
    command = [sys.executable, str(ROOT / "main.py"), "compare", str(first), str(second), "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    told = {row["layer"]: row for row in map(json.loads, said.stdout.splitlines())}
    for name in b:
        row = dict(zip(heads, cells[name], strict=True))
        assert int(row["flips"]) == flips[name] == told[name]["sad"]
        kept_a, kept_b = a[name] != 0, b[name] != 0
        jaccard = (kept_a & kept_b).sum() / (kept_a | kept_b).sum()
        assert float(row["Jaccard"]) == float(f"{jaccard:.6g}")
        lengths = [float(np.linalg.norm(one[name].astype(np.float64))) for one in (a, b)]
        change = 100 * (lengths[1] / lengths[0] - 1)
        assert row["Δ norm"] == f"{change:+.2f} %"
        cosine = float((a[name].astype(np.float64) * b[name]).sum() / lengths[0] / lengths[1])
        assert abs(float(row["cosine"]) - cosine) < 2e-6
        # The head is not meant to be sparse: it has no pattern to break.
        new = told[name]["new_violations"]
        assert new == (1 if name == LAYER else None)
        assert row["newly broken"] == ("1" if name == LAYER else "–")


def sees_what_differs(user: Comparer, a: Weights, b: Weights) -> None:
    """Every weight has its colour on the map between, newly kept ones apart."""
    page = user.compare
    before, after = a[LAYER] != 0, b[LAYER] != 0
    for plane, wanted in (("flips", before ^ after), ("born", after & ~before)):
        button = page.changes.button(plane)
        QTest.mouseClick(button, LEFT, pos=button.rect().center())
        user.rests()
        colours = [QColor.fromRgba(one).rgb() for one in DARK.colour_map(plane)]
        image = page.between.grab().toImage()
        scale = image.devicePixelRatio()
        for (row, column), there in np.ndenumerate(wanted):
            middle = page.between.position_of(row, column)
            assert middle is not None
            found = image.pixelColor(int(middle.x() * scale), int(middle.y() * scale)).rgb()
            assert found == colours[255 if there else 0], (plane, row, column)


def goes_from_flip_to_flip(user: Comparer, a: Weights, b: Weights) -> None:
    """F8 flies to each in turn on all maps; the read-outs are the files' values."""
    page = user.compare
    places = np.argwhere((a[LAYER] != 0) ^ (b[LAYER] != 0)).tolist()
    for number, (row, column) in enumerate(places[:3]):
        user.press(Qt.Key.Key_F8)
        until(
            lambda number=number: page.counter.text() == f"{number + 1} of {len(places)}",
            f"flip {number + 1}",
            page.counter.text,
        )
        assert page.maps.pointed == (row, column)
        words = f"[{row}, {column}]"
        for canvas, value in ((page.canvas_a, a), (page.canvas_b, b)):
            says(canvas, words)
            said = canvas.read_out.split(" = ")[1].split(" ")[0]
            assert np.float32(said) == value[LAYER][row, column]
        says(page.between, words)
        assert "newly" in page.between.read_out
    user.press(Qt.Key.Key_F8, Qt.KeyboardModifier.ShiftModifier)
    until(lambda: page.counter.text() == f"2 of {len(places)}", "the one before")


def moves_all_maps_together(user: Comparer) -> None:
    """Wheel and keys on one map move the others."""
    page = user.compare
    user.press(Qt.Key.Key_F)
    user.rests()
    for canvas in (page.canvas_b, page.between):
        roll(canvas, QPoint(canvas.width() // 2, canvas.height() // 3), 2)
        user.rests()
        views = [one.view for one in page.canvases]
        assert views[0] == views[1] == views[2]
        assert views[0] is not None
        assert not views[0].whole
    user.press(Qt.Key.Key_F)
    user.rests()
    assert all(one.view is not None and one.view.whole for one in page.canvases)


def blinks(user: Comparer) -> None:
    """A and B at one place, in turn; by hand where wanted."""
    page = user.compare
    user.press(Qt.Key.Key_B)
    assert page.triptych.blinking
    assert page.pane_a.geometry() == page.pane_b.geometry() == page.triptych.rect()
    seen = set()
    for _ in range(2):
        front = page.triptych.in_front
        seen.add(front)
        until(lambda front=front: page.triptych.in_front != front, "the other one")
    assert seen == {0, 1}
    user.press(Qt.Key.Key_B)
    assert not page.triptych.blinking
    assert page.pane_between.isVisible()


def sorts(user: Comparer) -> None:
    """A click on a header sorts; the chosen layer stays chosen."""
    page = user.compare
    header = page.layers.tree.header()
    heads = user.heads()
    for title, first in (("layer", LAYER), ("Jaccard", LAYER), ("Jaccard", "head.weight")):
        place = QPoint(header.sectionViewportPosition(heads.index(title)) + 12, 8)
        QTest.mouseClick(header.viewport(), LEFT, pos=place)
        assert next(iter(user.cells())) == first, title
        assert page.maps.layer == LAYER


def takes_the_table(user: Comparer, folder: Path, a: Weights, b: Weights) -> None:
    user.press(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    page = user.compare
    until(lambda: page.findChild(QFileDialog), "a dialog")
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    field = dialog.findChild(QLineEdit)
    assert field is not None
    field.setText(str(folder / "table.csv"))
    QTest.keyClick(field, Qt.Key.Key_Return)
    until((folder / "table.csv").exists, "the table")
    # Without a window manager nobody gives the focus back.
    user.window.activateWindow()
    until(user.window.isActiveWindow, "an active window")
    with (folder / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["layer"] for row in rows] == [LAYER, "head.weight", ""]
    total = sum(int(((a[name] != 0) ^ (b[name] != 0)).sum()) for name in b)
    assert int(rows[-1]["flips"]) == total


def opens_the_weight(user: Comparer, second: Path, a: Weights, b: Weights) -> None:
    """From a flip to the weights page, at that weight."""
    page = user.compare
    user.press(Qt.Key.Key_F8)
    until(lambda: page.maps.flip is not None, "a flip")
    user.rests()
    row, column = page.maps.pointed
    user.press(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    until(lambda: user.window.page is not None and user.window.shelf.front is None, "the weights")
    user.settled()
    state = user.window.session.state.file
    assert state is not None
    assert state.path == str(second)
    assert state.tensor == LAYER
    until(lambda: user.page.canvas.position_of(row, column), "the weight on the map")
    user.point_at(row, column)
    assert user.shown["cursor"]["value"] == b[LAYER][row, column]


def play(user: Comparer, folder: Path) -> None:
    """Go through the whole story."""
    first, second, a, b = write_pair(folder)
    chooses_two(user, first, second)
    reads_the_table(user, first, second, a, b)
    sees_what_differs(user, a, b)
    goes_from_flip_to_flip(user, a, b)
    moves_all_maps_together(user)
    blinks(user)
    sorts(user)
    takes_the_table(user, folder, a, b)
    opens_the_weight(user, second, a, b)


def main() -> int:
    """Play on the screen that the environment names."""
    from tempfile import TemporaryDirectory

    from weights_story import start

    app = QApplication(["sparsescope"])
    with TemporaryDirectory() as folder:
        user = start(app, Path(folder) / "settings.json", Comparer)
        try:
            play(user, Path(folder))
        finally:
            user.window.close()
    sys.stdout.write(f"played on {app.platformName()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
