"""What a user does on the timeline page, from a series of checkpoints to a figure in a paper.

Run by the tests in this process, offscreen; run as a program it opens a real X11 window.
Both processes, real files, mouse and keyboard only. Plain numpy works out every number.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from safetensors.numpy import save_file
from screens import ROOT
from weights_story import LEFT, NONE, User, start, until

from inspector.pages.timeline import TimelinePage
from inspector.theme import DARK
from inspector.views.seismograph import Seismograph

STEPS = tuple(range(0, 1200, 100))
SHAPES = {"block.fc.weight": (24, 32), "head.weight": (12, 16)}
FROZEN = 8
"""The point after which nothing of the head moves."""
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier

Masks = list[dict[str, np.ndarray]]


# ---------------------------------------------------------------- files


def write_series(folder: Path, seed: int) -> Masks:
    """Write dense checkpoints that move less and less; return their 2:4 masks."""
    random = np.random.default_rng(seed)
    weights = {name: random.standard_normal(shape) for name, shape in SHAPES.items()}
    folder.mkdir()
    masks = []
    for at, step in enumerate(STEPS):
        for name, weight in weights.items():
            if at and not (name == "head.weight" and at > FROZEN):
                weight += random.standard_normal(weight.shape) * 0.5 / at
        stored = {name: weight.astype(np.float32) for name, weight in weights.items()}
        save_file(stored, folder / f"model-{step}.safetensors")
        masks.append({name: two_of_four(weight) for name, weight in stored.items()})
    return masks


def two_of_four(weight: np.ndarray) -> np.ndarray:
    """Keep the two largest of four."""
    groups = np.abs(weight).reshape(-1, 4)
    order = np.argsort(np.argsort(-groups, axis=1), axis=1)
    return (order < 2).reshape(weight.shape)


# ---------------------------------------------------------------- hands


class Watcher(User):
    """Somebody who looks at series."""

    @property
    def timeline(self) -> TimelinePage:
        page = self.window.shelf.front
        assert isinstance(page, TimelinePage)
        return page

    @property
    def figures(self) -> dict[str, str]:
        return dict(self.timeline.figures.rows)

    def rests(self) -> None:
        """Wait until all that is shown has come."""
        QTest.qWait(60)
        until(lambda: self.timeline.settled, "a settled timeline", self.timeline.shown)
        assert self.window.problems.problems == ()

    def strip(self, place: int = 0) -> Seismograph:
        return self.timeline.strips[place][1]

    def spot(self, point: int, place: int = 0) -> QPoint:
        return self.strip(place).position_of(point).toPoint()

    def scrub(self, point: int) -> None:
        QTest.mouseClick(self.strip(), LEFT, pos=self.spot(point))
        self.rests()
        assert self.timeline.at == point

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.window, key, modifiers)
        QTest.qWait(1)


def flips(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> int:
    """Count the weights that differ."""
    return sum(int((one[name] ^ other[name]).sum()) for name in one)


def number(text: str) -> int:
    """Read a figure."""
    return int(text.replace(",", ""))


# ---------------------------------------------------------------- the story


def opens_a_series(user: Watcher, folder: Path) -> None:
    """By keyboard: the page, the path, and how masks are made of dense weights."""
    user.press(Qt.Key.Key_2, CONTROL)
    page = user.timeline
    until(page.start.isVisible, "the first screen")
    page.start.field.setFocus()
    QTest.keyClicks(page.start.field, str(folder))
    QTest.keyClick(page.start.field, Qt.Key.Key_Return)
    user.rests()
    page.pattern.setFocus()
    QTest.keyClicks(page.pattern, "2:4")
    QTest.keyClick(page.pattern, Qt.Key.Key_Return)
    user.rests()
    shown = page.shown()
    assert shown["steps"] == list(STEPS)
    assert shown["verdict"].startswith("The masks had not stopped moving. block.fc.weight")
    assert page.view.pattern == "2:4"


def scrubs(user: Watcher, masks: Masks) -> None:
    """Mouse and arrows go along the steps; the figures are those of numpy."""
    for point in (4, 9):
        user.scrub(point)
        assert number(user.figures["SAD"]) == flips(masks[point - 1], masks[point])
    user.strip().setFocus()
    QTest.keyClick(user.strip(), Qt.Key.Key_Left)
    user.rests()
    assert number(user.figures["SAD"]) == flips(masks[7], masks[8])
    born = sum(int((masks[8][name] & ~masks[7][name]).sum()) for name in SHAPES)
    assert number(user.figures["births = deaths"]) == born


def sees_flips_on_the_map(user: Watcher, masks: Masks, before: int, after: int) -> None:
    """Every weight of the layer has the colour of what happened to it."""
    page = user.timeline
    image = page.canvas.grab().toImage()
    scale = image.devicePixelRatio()
    colours = [QColor.fromRgba(colour) for colour in DARK.colour_map("flips")]
    moved = masks[before]["block.fc.weight"] ^ masks[after]["block.fc.weight"]
    for (row, column), flipped in np.ndenumerate(moved):
        middle = page.canvas.position_of(row, column)
        assert middle is not None
        found = image.pixelColor(int(middle.x() * scale), int(middle.y() * scale))
        assert found.rgb() == colours[255 if flipped else 0].rgb(), (row, column)


def chooses_the_layer(user: Watcher) -> None:
    """A click on its name: curves, figures and map are of this layer."""
    strip = user.strip()
    place = QPoint(20, user.spot(1).y())
    QTest.mouseClick(strip, LEFT, pos=place)
    user.rests()
    assert user.timeline.view.layers == ("block.fc.weight",)
    assert user.figures["of"] == "block.fc.weight"


def shows_flips(user: Watcher, masks: Masks) -> None:
    button = user.timeline.planes.button("flips")
    QTest.mouseClick(button, LEFT, pos=button.rect().center())
    user.scrub(5)
    sees_flips_on_the_map(user, masks, 4, 5)
    name = "block.fc.weight"
    assert number(user.figures["SAD"]) == int((masks[4][name] ^ masks[5][name]).sum())


def pins(user: Watcher, masks: Masks) -> None:
    """Compared with a pinned step wherever the cursor goes."""
    user.scrub(2)
    user.press(Qt.Key.Key_P)
    user.scrub(10)
    sees_flips_on_the_map(user, masks, 2, 10)
    name = "block.fc.weight"
    assert number(user.figures["SAD"]) == int((masks[2][name] ^ masks[10][name]).sum())
    assert user.timeline.step_panel.title.text() == "Between 200 and 1,000"
    user.press(Qt.Key.Key_P)
    user.rests()
    assert user.timeline.view.pinned == -1


def selects_a_range(user: Watcher, masks: Masks) -> None:
    """Shift and the mouse: figures, curves, map and the worst weights are those of the range."""
    strip, page = user.strip(), user.timeline
    first, last = user.spot(4), user.spot(9)
    QTest.mousePress(strip, LEFT, SHIFT, first)
    for share in range(1, 6):
        QTest.mouseMove(strip, first + (last - first) * share / 5)
    QTest.mouseRelease(strip, LEFT, SHIFT, last)
    user.rests()
    assert page.view.span == (STEPS[3], STEPS[9])
    sees_flips_on_the_map(user, masks, 3, 9)
    layers = [one["block.fc.weight"] for one in masks]
    moved = np.array([layers[at] ^ layers[at - 1] for at in range(4, 10)]).astype(int)
    assert number(user.figures["SAD"]) == int((layers[3] ^ layers[9]).sum())
    assert number(user.figures["flips on the way"]) == moved.sum()
    _, worst = page.showing.worst
    counts = moved.sum(axis=0)
    assert [flips for *_, flips in worst] == sorted(counts.reshape(-1), reverse=True)[: len(worst)]
    assert all(counts[row, column] == flips for row, column, flips in worst)


def points_at_a_weight(user: Watcher, masks: Masks) -> None:
    """The read-out says at which steps a weight flipped."""
    page = user.timeline
    row, column, _ = page.showing.worst[1][0]
    middle = page.canvas.position_of(row, column)
    assert middle is not None
    QTest.mouseMove(page.canvas, QPoint(int(middle.x()), int(middle.y())))
    layers = [one["block.fc.weight"][row, column] for one in masks]
    steps = [f"{STEPS[at]:,}" for at in range(1, len(layers)) if layers[at] != layers[at - 1]]
    wanted = f"[{row}, {column}]"
    until(lambda: wanted in page.canvas.read_out, wanted, lambda: page.canvas.read_out)
    assert f"flipped {len(steps)} times" in page.canvas.read_out
    assert ", ".join(steps[-8:]) in page.canvas.read_out
    user.press(Qt.Key.Key_Escape)
    user.rests()
    assert page.view.span is None
    assert page.view.layers == ()


def leaves_one_out(user: Watcher, masks: Masks) -> None:
    """A checkpoint is left out, and taken in again."""
    page = user.timeline
    user.scrub(6)
    user.press(Qt.Key.Key_X)
    user.rests()
    assert page.shown()["steps"] == [*STEPS[:6], *STEPS[7:]]
    user.scrub(6)
    assert number(user.figures["SAD"]) == flips(masks[5], masks[7])
    (again,) = page.left_out.buttons
    QTest.mouseClick(again, LEFT, pos=again.rect().center())
    user.rests()
    assert page.shown()["steps"] == list(STEPS)


def lays_another_beside(user: Watcher, folder: Path) -> None:
    """Two series, two strips, one axis of steps; the second goes again."""
    page = user.timeline
    user.press(Qt.Key.Key_A, CONTROL | SHIFT)
    answer(user, folder)
    user.rests()
    assert page.shown()["series"] == ["first", "second"]
    assert len(page.strips) == 2
    assert {line.name for line in page.plot.lines} >= {"first", "second"}
    chip = page.chips.buttons[1]
    QTest.mouseClick(chip, LEFT, pos=chip.rect().center())
    user.rests()
    assert page.shown()["series"] == ["first"]


def answer(user: Watcher, path: Path) -> None:
    """Write a path into the dialog that came, and accept it."""
    until(lambda: user.timeline.findChild(QFileDialog), "a dialog")
    dialog = user.timeline.findChild(QFileDialog)
    assert dialog is not None
    field = dialog.findChild(QLineEdit)
    assert field is not None
    field.setText(str(path))
    QTest.keyClick(field, Qt.Key.Key_Return)
    until(lambda: user.timeline.findChild(QFileDialog) is None, "the end of the dialog")
    # Without a window manager nobody gives the focus back.
    user.window.activateWindow()
    until(user.window.isActiveWindow, "an active window")


def takes_the_figure(user: Watcher, series: Path, folder: Path) -> None:
    """The figure bundle holds what the command line says of the same series."""
    folder.mkdir()
    user.press(Qt.Key.Key_S, CONTROL)
    answer(user, folder)
    until(lambda: bool(user.window.problems.problems), "the notice that it is written")
    assert str(folder) in user.window.problems.sentence.text()
    dismiss = user.window.problems.dismiss
    QTest.mouseClick(dismiss, LEFT, pos=dismiss.rect().center())
    command = (str(ROOT / "main.py"), "timeline", str(series), "--pattern", "2:4", "--json")
    said = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in said.stdout.splitlines()]
    wanted = [
        tuple(str(row[name] or "") for name in ("from", "to", "layer", "sad", "births", "deaths"))
        for row in told
        if row["type"] == "change"
    ]
    with (folder / "timeline.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ("from", "to", "layer", "sad", "births", "deaths")
    found = [tuple("" if row[name] == "0" else row[name] for name in names) for row in rows]
    assert found == wanted
    assert len(found) == (len(STEPS) - 1) * (len(SHAPES) + 1)
    assert (folder / "timeline.py").exists()


def opens_a_point(user: Watcher, series: Path) -> None:
    """A double click opens the checkpoint on the weights page."""
    QTest.mouseDClick(user.strip(), LEFT, pos=user.spot(7))
    until(lambda: user.window.page is not None, "the weights page")
    user.settled()
    state = user.window.session.state.file
    assert state is not None
    assert state.path == str(series / f"model-{STEPS[7]}.safetensors")


def play(user: Watcher, folder: Path) -> None:
    """Go through the whole story."""
    series = folder / "first"
    masks = write_series(series, 1)
    write_series(folder / "second", 2)
    opens_a_series(user, series)
    scrubs(user, masks)
    chooses_the_layer(user)
    shows_flips(user, masks)
    pins(user, masks)
    selects_a_range(user, masks)
    points_at_a_weight(user, masks)
    leaves_one_out(user, masks)
    lays_another_beside(user, folder / "second")
    takes_the_figure(user, series, folder / "figures")
    opens_a_point(user, series)


def main() -> int:
    """Play on the screen that the environment names."""
    app = QApplication(["sparsescope"])
    with tempfile.TemporaryDirectory() as folder:
        user = start(app, Path(folder) / "settings.json", Watcher)
        try:
            play(user, Path(folder))
        finally:
            user.window.close()
    sys.stdout.write(f"played on {app.platformName()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
