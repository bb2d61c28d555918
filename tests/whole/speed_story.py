"""What a user does on the speed page: times the open checkpoint, reads why, sorts, exports.

Both processes and the one that times, real files, mouse and keyboard only.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from safetensors.numpy import save_file
from screens import ROOT
from weights_story import LEFT, NONE, User, drop, until

from inspector.pages.speed import SpeedPage

CONTROL = Qt.KeyboardModifier.ControlModifier
BATCHES = (1, 32)
SAME = ("type", "layer", "shape", "pattern", "batch", "dtype", "device", "threads", "backend")
"""What two tests of one file share; times differ."""


def write_sparse(path: Path) -> None:
    """Write two layers of one shape that are 1:8, one that is 2:4, and one with empty rows."""
    random = np.random.default_rng(5)

    def pruned(shape: tuple[int, int], n: int, m: int) -> np.ndarray:
        weight = random.standard_normal(shape).astype(np.float32)
        groups = weight.reshape(-1, m)
        order = np.argsort(np.argsort(-np.abs(groups), axis=1), axis=1)
        groups[order >= n] = 0
        return weight

    rows = random.standard_normal((96, 128)).astype(np.float32)
    rows[::2] = 0
    save_file(
        {
            "block.0.fc.weight": pruned((256, 512), 1, 8),
            "block.1.fc.weight": pruned((256, 512), 1, 8),
            "block.2.fc.weight": pruned((128, 256), 2, 4),
            "block.3.fc.weight": rows,
        },
        path,
    )


class Timer(User):
    """Somebody who asks whether it is faster."""

    @property
    def speed(self) -> SpeedPage:
        page = self.window.shelf.front
        assert isinstance(page, SpeedPage)
        return page

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.window, key, modifiers)
        QTest.qWait(1)

    def ended(self) -> None:
        until(lambda: self.speed.settled, "the end of the test", self.speed.shown)
        QTest.qWait(50)

    def answer(self, path: Path) -> None:
        """Write a path into the dialog that came, and accept it."""
        page = self.speed
        until(lambda: page.findChild(QFileDialog), "a dialog")
        dialog = page.findChild(QFileDialog)
        assert dialog is not None
        field = dialog.findChild(QLineEdit)
        assert field is not None
        field.setText(str(path))
        QTest.keyClick(field, Qt.Key.Key_Return)
        until(lambda: page.findChild(QFileDialog) is None, "the end of the dialog")
        # Without a window manager nobody gives the focus back.
        self.window.activateWindow()
        until(self.window.isActiveWindow, "an active window")


def children(pid: int) -> list[int]:
    """List the processes that a process started (Linux)."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


# ---------------------------------------------------------------- the story


def runs(user: Timer, file: Path) -> None:
    """From the open checkpoint to its rows; the window stays free meanwhile."""
    drop(user.window, file)
    user.settled()
    user.press(Qt.Key.Key_4, CONTROL)
    page = user.speed
    assert page.start.isVisible()
    assert page.what.text() == file.name
    page.batches.setFocus()
    page.batches.selectAll()
    QTest.keyClicks(page.batches, ", ".join(map(str, BATCHES)))
    QTest.mouseClick(page.go, LEFT, pos=page.go.rect().center())
    until(lambda: page.feed.running, "the beginning")
    assert page.go.text() == "Stop"
    until(lambda: page.feed.result.timed, "a first row", page.shown)
    user.ended()
    assert user.window.problems.problems == ()
    assert page.feed.stage == "complete"
    assert "Speed test finished" in page.status
    assert [card.layer for card in page.cards.cards] == [
        f"block.{at}.fc.weight" for at in (0, 2, 3)
    ]
    assert "2 layers alike" in page.cards.cards[0].detail
    assert page.feed.result.batches == BATCHES


def reads_why(user: Timer) -> None:
    """Backends that cannot run stay visible with their reason; a row is chosen by the mouse."""
    page = user.speed
    first = page.cards.cards[0]
    lines = {one.backend: one for one in first.lines}
    machine = page.feed.result.machine
    assert machine is not None
    if any("No GPU" in note for note in machine.notes):
        assert lines["semi_structured"].reason == "no CUDA device"
        assert "No GPU here" in page.verdict.conditions.text()
    assert "no row and no column is all zero" in lines["compact"].reason
    assert lines["nm_native"].correct is True
    assert "8 times fewer multiply-adds" in lines["nm_native"].reason
    place = page.cards.position_of(first.layer, "csr")
    QTest.mouseClick(page.cards, LEFT, pos=place.toPoint())
    assert page.view.row == (first.layer, "csr")
    names = [name for name, _ in first.lights]
    assert names == ["zeros", "pattern", "packed", "eligible", "measured faster"]
    assert dict(first.lights)["zeros"]
    assert dict(first.lights)["pattern"]
    assert "compact" in page.why.text()


def sees_promises(user: Timer) -> None:
    """A point of the chart is a row; what it promises is what its multiply-adds say."""
    page = user.speed
    rows = {(row.layer, row.backend): row for row in page.feed.result.at(page.view.batch)}
    number = page._points.index(("block.0.fc.weight", "nm_native"))
    at = page.chart.position_of(number)
    QTest.mouseClick(page.chart, LEFT, pos=QPoint(round(at.x()), round(at.y())))
    assert page.view.row[1] in ("nm_native", "csr")
    row = rows["block.0.fc.weight", "nm_native"]
    assert row.macs * 8 == rows["block.0.fc.weight", "dense"].macs == 256 * 512
    assert rows["block.3.fc.weight", "compact"].macs == 48 * 128


def adds_up(user: Timer) -> None:
    """The estimate is the sum over all layers, each as often as it is there."""
    page = user.speed
    dense = {row.layer: row for row in page.feed.result.at(0) if row.backend == "dense"}
    total = sum(row.layers * row.median_ms for row in dense.values())
    assert sum(row.layers for row in dense.values()) == 4
    assert abs(page.bars.bars[0].value - total) < 1e-12
    assert page.bars.bars[1].value <= total + 1e-12


def sorts(user: Timer) -> None:
    """The table sorts by the ratio, down and up."""
    page = user.speed
    user.press(Qt.Key.Key_2)
    assert page.rows.isVisible()
    header = page.rows.tree.header()
    model = page.table
    heads = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())]
    column = heads.index("ratio")
    page.rows.tree.scrollTo(model.index(0, column))
    seen = []
    for _ in range(2):
        place = QPoint(header.sectionViewportPosition(column) + 12, 8)
        QTest.mouseClick(header.viewport(), LEFT, pos=place)
        seen.append([float(model.index(at, column).data()) for at in range(model.rowCount())])
    assert sorted(seen[0]) in (seen[0], seen[0][::-1])
    assert seen[0][0] == seen[1][-1]
    assert seen[0] != seen[1]
    user.press(Qt.Key.Key_1)
    assert page.cards.isVisible()


def exports(user: Timer, file: Path, folder: Path) -> list[dict]:
    """The rows on disk are those on the page, and the command line measures the same ones."""
    page = user.speed
    target = folder / "rows.jsonl"
    user.press(Qt.Key.Key_S, CONTROL)
    user.answer(target)
    assert target.read_bytes() == Path(page.feed.file).read_bytes()
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    command = [str(ROOT / "main.py"), "speed", str(file), "--batch", "1,32", "--seconds", "0"]
    said = subprocess.run(
        [sys.executable, *command, "--json"], capture_output=True, text=True, check=True
    )
    told = [json.loads(line) for line in said.stdout.splitlines()]
    assert [_kind(row) for row in rows] == [_kind(row) for row in told]
    assert len([row for row in rows if row["type"] == "speed"]) >= 2 * 3 * 2
    return rows


def _kind(row: dict) -> tuple:
    return tuple(json.dumps(row.get(name)) for name in (*SAME, "bytes", "macs", "layers", "reason"))


def lays_another_beside(user: Timer, rows: list[dict], folder: Path) -> None:
    """A result of another machine stands in a column of its own."""
    page = user.speed
    for row in rows:
        if row["type"] == "speed":
            row["ratio"] = 7.25
    other = folder / "other.jsonl"
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    user.window.commands["speed.beside"].trigger()
    user.answer(other)

    def heads() -> list[str]:
        model = page.table
        count = model.columnCount()
        return [model.headerData(at, Qt.Orientation.Horizontal) for at in range(count)]

    until(lambda: "there" in heads(), "the other machine's column")
    column = heads().index("there")
    assert {page.table.index(at, column).data() for at in range(page.table.rowCount())} == {"7.25"}


def stops(user: Timer) -> None:
    """A test is stopped: what was measured is kept, and no process is left."""
    page = user.speed
    core = user.link.pid
    assert core
    QTest.keyClick(user.window, Qt.Key.Key_Return, CONTROL)
    until(lambda: page.feed.result.timed, "a first row", page.shown)
    timing = children(core)
    assert timing
    QTest.mouseClick(page.go, LEFT, pos=page.go.rect().center())
    user.ended()
    assert page.feed.stage == "stopped"
    assert page.feed.result.timed
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in timing), "its end")
    assert user.window.problems.problems == ()


def looks_back(user: Timer) -> None:
    """Both tests are kept; the earlier one is shown again."""
    page = user.speed
    until(lambda: len(page.feed.kept) == 2, "two tests", lambda: page.feed.kept)
    earlier = page.feed.kept[1]
    page.earlier.setFocus()
    for _ in range(2):
        QTest.keyClick(page.earlier, Qt.Key.Key_Down)
        QTest.qWait(20)
    until(lambda: page.feed.file == earlier.path, "the earlier test", lambda: page.feed.file)
    assert page.feed.result.machine is not None


def play(user: Timer, folder: Path) -> None:
    """Go through the whole story."""
    file = folder / "sparse.safetensors"
    write_sparse(file)
    runs(user, file)
    reads_why(user)
    sees_promises(user)
    adds_up(user)
    sorts(user)
    rows = exports(user, file, folder)
    lays_another_beside(user, rows, folder)
    stops(user)
    looks_back(user)


def main() -> int:
    """Play on the screen that the environment names."""
    from tempfile import TemporaryDirectory

    from weights_story import start

    app = QApplication(["sparsescope"])
    with TemporaryDirectory() as folder:
        user = start(app, Path(folder) / "settings.json", Timer)
        try:
            play(user, Path(folder))
        finally:
            user.window.close()
    sys.stdout.write(f"played on {app.platformName()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
