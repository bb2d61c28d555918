"""Scrubbing over 300 layers x 1,000 steps on the timeline page, in the whole window.

Writes the masks of a run, opens it in the real window (1440 x 900, offscreen raster) over a real
core, chooses a layer and drags along the seismograph. Prints ``name: value`` lines::

    python benchmarks/scrub.py [--layers 300] [--steps 1000] [--gestures 40] [--folder DIR]

``frame_ms`` is from the moment a mouse event was handed to the window to the end of the turn of
the loop in which the seismograph was painted with the cursor there; what else that turn painted
(map, curves, figures) is in it. Wanted: p95 of 16. ``late_ms`` is to the same end from the moment
the event was due, 60 a second, none left out: above a frame, events have queued up. ``map_ms`` is
from the last event of a gesture until every tile of the map is that of the new step. The peer
shows the same steps with pyqtgraph: an image of the flip rates, a line over it, and an image of
the flips between two masks held in memory.
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtWidgets import QApplication, QWidget
from tiles import EVENT_S, clock, mouse, say, spread, wait, wait_for

from inspector.app.assemble import Assembled, assemble
from inspector.errands import ShowSeries
from inspector.pages.timeline import TimelinePage
from sparse_core.masks import PackedMask, layout_of
from sparse_core.runs.config import RunConfig, write_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import write_masks

SIZE = (1440, 900)
EVENTS = 30
"""Mouse events of a gesture."""
SIDE, LOOKED_SIDE = 64, 512
LOOKED = "layers.last.weight"
"""The largest layer, whose map is shown."""
READING_S = 900.0
WORD = 64


class Run:
    """Masks that flip, each layer until a step of its own; the map's layer to the end.

    The words of all layers lie in one array, in the order in which they freeze.
    """

    def __init__(self, layers: int, steps: int) -> None:
        self._random = np.random.default_rng(0)
        self.steps = steps
        self.shapes = {f"layers.{at}.weight": (SIDE, SIDE) for at in range(layers - 1)}
        self.shapes[LOOKED] = (LOOKED_SIDE, LOOKED_SIDE)
        self._words = sum(rows * columns for rows, columns in self.shapes.values()) // WORD

    def masks(self) -> Iterator[dict[str, PackedMask]]:
        """Yield the masks of each step."""
        words = self._random.integers(0, 1 << WORD, self._words, np.uint64)
        still = LOOKED_SIDE**2 // WORD
        for step in range(self.steps):
            yield self._split(words.copy())
            frozen = (len(words) - still) * step // self.steps * WORD
            count = (len(words) * WORD - frozen) // 100
            places = self._random.integers(frozen, len(words) * WORD, count, np.uint64)
            bits = np.uint64(1) << places % np.uint64(WORD)
            np.bitwise_xor.at(words, places // np.uint64(WORD), bits)

    def _split(self, words: np.ndarray) -> dict[str, PackedMask]:
        found, start = {}, 0
        for name, (rows, columns) in self.shapes.items():
            stop = start + rows * columns // WORD
            mask = words[start:stop].reshape(rows, columns // WORD)
            found[name] = PackedMask(mask, layout_of((rows, columns), "linear"))
            start = stop
        return found

    def write(self, root: Path) -> np.ndarray:
        """Write a run folder; return the masks of the map's layer, ``(steps, words)``."""
        folder = RunFolder(root)
        folder.masks.mkdir(parents=True)
        write_config(folder.config, RunConfig(task="digits", method="ste", pattern=None, axis="in"))
        looked = []
        for step, masks in enumerate(self.masks()):
            write_masks(folder.mask(step), masks)
            looked.append(masks[LOOKED].words.reshape(-1))
        return np.array(looked)


class Paints(QObject):
    """Counts the paints of a widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at an event and let it pass."""
        self.count += event.type() == QEvent.Type.Paint
        return False


def gestures(count: int, width: int) -> Iterator[list[float]]:
    """Yield the places, in pixels, that each drag goes through."""
    chance = random.Random(1)
    for _ in range(count):
        at, speed = chance.uniform(0, width), chance.uniform(-20, 20)
        # A hand turns round at the end.
        yield [abs((at + speed * k + width) % (2 * width) - width) for k in range(EVENTS)]


def window_with(parts: Assembled, run: Path) -> TimelinePage:
    """Open the run in the window; return the page once all of it is read."""
    window = parts.window
    window.resize(*SIZE)
    window.show()
    parts.link.start()
    window.shelf.run(ShowSeries((str(run),)))
    page = window.shelf.front
    assert isinstance(page, TimelinePage)
    if not wait(lambda: page.table is not None and page.settled, READING_S):
        sys.exit("The series was not read in time.")
    return page


class Scrubbed(NamedTuple):
    """Seconds of each frame and to each map, and how often the map was painted."""

    frames: list[float]
    lates: list[float]
    maps: list[float]
    map_paints: int


def scrub(page: TimelinePage, count: int) -> Scrubbed:
    """Drag along the seismograph."""
    _, strip = page.strips[0]
    first, last = strip.position_of(1), strip.position_of(len(page.table.steps) - 1)
    painted, mapped = Paints(strip), Paints(page.canvas)
    frames, lates, maps = [], [], []
    none = Qt.MouseButton.NoButton
    for places in gestures(count, int(last.x() - first.x())):
        kind, button = QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton
        due = clock()
        for place in places:
            due += EVENT_S
            wait_for(due)
            before, at = painted.count, page.at
            spot = first + QPointF(place, 0)
            begun = clock()
            QApplication.sendEvent(strip, mouse(kind, spot, button))
            kind, button = QEvent.Type.MouseMove, none
            if page.at != at and wait(lambda: painted.count > before, 5):  # noqa: B023
                frames.append(clock() - begun)
                lates.append(clock() - due)
        last_event = clock()
        wait(lambda: page.settled)
        maps.append(clock() - last_event)
        spot = first + QPointF(places[-1], 0)
        release = mouse(QEvent.Type.MouseButtonRelease, spot, Qt.MouseButton.LeftButton)
        QApplication.sendEvent(strip, release)
    return Scrubbed(frames, lates, maps, mapped.count)


def ours(run: Path, folder: Path, count: int) -> None:
    """Measure the page."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    parts = assemble(app, folder / "settings.json")
    begun = clock()
    page = window_with(parts, run)
    say("read_s", clock() - begun)
    say("layers", len(page.table.layers))
    say("steps", len(page.table.steps))
    page.choose_layer(LOOKED, add=False)
    for plane in ("flips", "last change"):
        page.change(plane=plane)
        wait(lambda: page.settled)
        found = scrub(page, count)
        name = plane.replace(" ", "_")
        say(f"{name}_frames", len(found.frames))
        say(f"{name}_paints_of_the_map", found.map_paints)
        spread(f"{name}_frame_ms", found.frames)
        spread(f"{name}_late_ms", found.lates)
        spread(f"{name}_map_ms", found.maps)
    parts.window.close()


def peer(masks: np.ndarray, layers: int, count: int) -> None:
    """Measure images of pyqtgraph over the same steps."""
    view = pg.GraphicsLayoutWidget()
    view.resize(*SIZE)
    rates, flips = pg.ImageItem(axisOrder="row-major"), pg.ImageItem(axisOrder="row-major")
    line = pg.InfiniteLine(angle=90)
    above, below = view.addPlot(row=0, col=0), view.addPlot(row=1, col=0)
    for item in (rates, line):
        above.addItem(item)
    below.addItem(flips)
    rates.setImage(np.random.default_rng(0).random((layers, len(masks)), np.float32))
    view.show()
    QApplication.processEvents()
    frames = []
    for places in gestures(count, len(masks) - 2):
        for place in places:
            begun = clock()
            at = int(place) + 1
            line.setPos(at)
            moved = (masks[at] ^ masks[at - 1]).view(np.uint8)
            picture = np.unpackbits(moved, bitorder="little").reshape(LOOKED_SIDE, LOOKED_SIDE)
            flips.setImage(picture, levels=(0, 1))
            QApplication.processEvents()
            view.viewport().repaint()
            frames.append(clock() - begun)
    spread("pyqtgraph_frame_ms", frames)
    view.close()


def main() -> None:
    """Write, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=300)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--gestures", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the run is written")
    args = parser.parse_args()
    app = QApplication(["sparsescope"])
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        masks = Run(args.layers, args.steps).write(folder / "run")
        ours(folder / "run", folder, args.gestures)
        peer(masks, args.layers, args.gestures)
    app.quit()


if __name__ == "__main__":
    main()
