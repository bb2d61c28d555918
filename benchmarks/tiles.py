"""The heat map under a user's hands while the core scans another tensor.

Drives the real canvas (1600 x 1000, offscreen raster) over a real core process, then pyqtgraph's
``ImageItem`` over the same mask in memory. Prints ``name: value`` lines::

    python benchmarks/tiles.py [--shape 16384x16384] [--gestures 40] [--folder DIR]

``frame_ms`` is from the moment an input event was due to the end of the paint that shows it;
``sharp_ms`` from the last event of a gesture to the paint in which every tile is full resolution.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from inspector.link.core import CoreLink
from inspector.theme import DARK
from inspector.views.tile_canvas import TileCanvas
from sparse_core.messages import (
    Answer,
    FileId,
    Picture,
    PictureWanted,
    ScanCheckpoint,
    ScanOptions,
    Tile,
    TilesWanted,
)

SIZE = (1600, 1000)
EVENT_S = 1 / 60
OPTIONS = ScanOptions(cache=False)
NAME = "weight"
TOO_LONG_S = 60.0
clock = time.perf_counter


def write(path: Path, rows: int, columns: int) -> None:
    """Write a 2:4 fp16 matrix with a few broken groups, in pieces."""
    generator = np.random.default_rng(0)
    size = rows * columns * 2
    header = {NAME: {"dtype": "F16", "shape": [rows, columns], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    piece = generator.standard_normal((256, columns)).astype(np.float16)
    order = np.argsort(np.abs(piece.reshape(256, -1, 4)), axis=2)
    np.put_along_axis(piece.reshape(256, -1, 4), order[:, :, :2], 0, axis=2)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for first in range(0, rows, 256):
            part = np.roll(piece, first, axis=0)[: rows - first].copy()
            part[generator.integers(len(part)), :4] = 1
            file.write(part.tobytes())


def raw(path: Path, rows: int, columns: int) -> np.ndarray:
    """Map the bits of the matrix."""
    with path.open("rb") as file:
        offset = 8 + int.from_bytes(file.read(8), "little")
    return np.memmap(path, np.uint16, "r", offset, (rows, columns))


class Watched(TileCanvas):
    """A canvas that knows when it was last painted."""

    painted = 0.0
    paints = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and look at the clock."""
        super().paintEvent(event)
        self.painted = clock()
        self.paints += 1


def wait(until: Callable[[], bool], limit_s: float = TOO_LONG_S) -> bool:
    """Let the loop run until something holds."""
    end = clock() + limit_s
    while not until():
        if clock() > end:
            return False
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 5)
    return True


def wait_for(when: float) -> None:
    """Let the loop run until a time."""
    loop = QEventLoop()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setSingleShot(True)
    timer.timeout.connect(loop.quit)
    timer.start(max(0, int(1000 * (when - clock()))))
    loop.exec()


def mouse(kind: QEvent.Type, at: QPointF, button: Qt.MouseButton) -> QMouseEvent:
    """Return a mouse event with the left button in play."""
    held = Qt.MouseButton.LeftButton
    return QMouseEvent(kind, at, at, button, held, Qt.KeyboardModifier.NoModifier)


def wheel(at: QPointF, notches: int) -> QWheelEvent:
    """Return a wheel event."""
    none = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    return QWheelEvent(
        at, at, QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, *none, False
    )


def gestures(count: int) -> Iterator[list[Callable[[], QEvent]]]:
    """Yield what a user does: a few notches somewhere, a drag, and so on, in and out."""
    chance = random.Random(1)
    depth = 0
    for number in range(count):
        at = QPointF(chance.uniform(200, 1400), chance.uniform(100, 800))
        if number % 2:
            step = QPointF(chance.uniform(-40, 40), chance.uniform(-30, 30))
            yield [
                lambda at=at: mouse(QEvent.Type.MouseButtonPress, at, Qt.MouseButton.LeftButton),
                *(
                    lambda at=at + step * k: mouse(
                        QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton
                    )
                    for k in range(1, 16)
                ),
                lambda at=at + step * 15: mouse(
                    QEvent.Type.MouseButtonRelease, at, Qt.MouseButton.LeftButton
                ),
            ]
            continue
        notch = 1 if depth < 2 or (depth < 9 and chance.random() < 0.6) else -1
        depth += notch
        yield [lambda at=at, notch=notch: wheel(at, notch)]


def play(canvas: Watched, count: int) -> tuple[list[float], list[float]]:
    """Play gestures; return seconds to the paint of each event, and to sharpness of each."""
    frames, sharps = [], []
    for gesture in gestures(count):
        due = clock()
        for make in gesture:
            due += EVENT_S
            wait_for(due)
            before, view = canvas.paints, canvas.view
            QApplication.sendEvent(canvas, make())
            if canvas.view != view and wait(lambda: canvas.paints > before, 5):  # noqa: B023
                frames.append(canvas.painted - due)
        last = clock()
        wait(lambda: canvas.sharp)
        shown = canvas.paints
        canvas.update()
        wait(lambda: canvas.paints > shown)  # noqa: B023
        sharps.append(canvas.painted - last)
    return frames, sharps


def say(name: str, value: float) -> None:
    """Print a line."""
    print(f"{name}: {value:.4g}", flush=True)


def spread(name: str, seconds: list[float]) -> None:
    """Print median and p95 in milliseconds."""
    say(f"{name}_median", 1000 * float(np.median(seconds)))
    say(f"{name}_p95", 1000 * float(np.percentile(seconds, 95)))


class Session:
    """A canvas over a real core, as the weights page puts them together."""

    def __init__(self, path: Path) -> None:
        self.link = CoreLink()
        self.canvas = Watched(DARK)
        self.canvas.resize(*SIZE)
        self.canvas.set_plane("density")
        self.canvas.show()
        self.canvas.tiles_wanted.connect(self.ask_tiles)
        self.file = FileId(str(path))
        self.scans = 0
        self.link.start()
        wait(lambda: self.link.ready)

    def ask_tiles(self, plane: str, keys: list) -> None:
        """Pass on what the canvas wants."""
        wanted = TilesWanted(1, self.file, OPTIONS, NAME, plane, tuple(keys))
        self.link.ask(wanted, self.on_answer)

    def on_answer(self, answer: Answer) -> None:
        """Pass on what the core answers."""
        if isinstance(answer.body, Picture):
            self.canvas.set_picture(answer.body)
        elif isinstance(answer.body, Tile):
            self.canvas.add_tile(answer.body)

    def show(self) -> float:
        """Ask for the picture; return seconds to the first paint that knows something of all."""
        begun = clock()
        self.link.ask(PictureWanted(1, self.file, OPTIONS, NAME), self.on_answer)
        canvas = self.canvas
        wait(lambda: canvas.picture is not None and canvas.covered)
        shown = canvas.paints
        canvas.update()
        wait(lambda: canvas.paints > shown)
        return canvas.painted - begun

    def keep_scanning(self, other: Path, answer: Answer | None = None) -> None:
        """Scan another file, again and again."""
        if answer is None or answer.last:
            self.scans += 1
            again = partial(self.keep_scanning, other)
            self.link.ask(ScanCheckpoint(FileId(str(other)), OPTIONS), again)

    def close(self) -> None:
        """End core and canvas."""
        self.link.stop()
        self.canvas.close()


def ours(label: str, path: Path, other: Path, count: int) -> None:
    """Measure the canvas over a core that scans another file all the while."""
    session = Session(path)
    canvas = session.canvas
    say(f"{label}_first_coarse_picture_ms", 1000 * session.show())
    session.keep_scanning(other)
    for plane in ("density", "violation", "magnitude"):
        canvas.set_plane(plane)
        canvas.fit()
        wait(lambda: canvas.sharp)
        frames, sharps = play(canvas, count)
        spread(f"{label}_{plane}_frame_ms", frames)
        spread(f"{label}_{plane}_sharp_ms", sharps)
        say(f"{label}_{plane}_sharp_within_150_ms", float(np.mean(np.array(sharps) <= 0.15)))
    say(f"{label}_scans_meanwhile", session.scans)
    session.close()


def peer(label: str, bits: np.ndarray, count: int, *, downsample: bool) -> None:
    """Measure ImageItem over the mask, held in memory, with the same steps of zoom and pan."""
    image = np.ascontiguousarray((bits & 0x7FFF) != 0).view(np.uint8)
    plot = pg.PlotWidget()
    plot.resize(*SIZE)
    item = pg.ImageItem(axisOrder="row-major", autoDownsample=downsample)
    item.setLookupTable(np.array([[29, 32, 39], [106, 169, 255]], np.uint8))
    begun = clock()
    item.setImage(image, levels=(0, 1), autoLevels=False)
    plot.addItem(item)
    plot.setRange(item.boundingRect(), padding=0)
    plot.show()
    QApplication.processEvents()
    plot.viewport().repaint()
    name = f"{label}_imageitem_{'downsampled' if downsample else 'nearest'}"
    say(f"{name}_first_picture_ms", 1000 * (clock() - begun))
    chance = random.Random(1)
    frames = []
    rows, columns = image.shape
    for number in range(count):
        begun = clock()
        if number % 3:
            plot.getViewBox().translateBy(x=columns / 500, y=rows / 500)
        else:
            factor = 0.5 if chance.random() < 0.6 else 2.0
            plot.getViewBox().scaleBy((factor, factor))
        QApplication.processEvents()
        plot.viewport().repaint()
        frames.append(clock() - begun)
    spread(f"{name}_frame_ms", frames)
    plot.close()


def measure(rows: int, columns: int, count: int, folder: Path) -> None:
    """Measure one shape, ours and the peer's."""
    label = f"{rows}x{columns}"
    path, other = folder / f"{label}.safetensors", folder / f"{label}-other.safetensors"
    for file in (path, other):
        write(file, rows, columns)
    bits = raw(path, rows, columns)
    counted = []
    for _ in range(3):
        begun = clock()
        np.count_nonzero(bits.view(np.float16))
        counted.append(clock() - begun)
    say(f"{label}_count_nonzero_ms", 1000 * float(np.median(counted)))
    ours(label, path, other, count)
    peer(label, bits, count, downsample=False)
    peer(label, bits, min(count, 6), downsample=True)


def main() -> None:
    """Measure every shape asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", action="append", help="rows x columns, as 16384x16384")
    parser.add_argument("--gestures", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the matrices are written")
    options = parser.parse_args()
    app = QApplication([])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for shape in options.shape or ("16384x16384", "131072x4096"):
            rows, columns = (int(side) for side in shape.split("x"))
            measure(rows, columns, options.gestures, Path(folder))
    app.quit()


if __name__ == "__main__":
    main()
