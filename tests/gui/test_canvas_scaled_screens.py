"""On a screen of scale 1.5 or 2 a cell is still a block of whole device pixels.

The scale of the screen is fixed when a program starts, so the checks run in one of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PROGRAM = """
import numpy as np
from canvas_tiles import two_of_four
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget
from inspector.theme import DARK
from inspector.views.tile_canvas import TileCanvas

app = QApplication([])
matrix = two_of_four(700, 1100, [(3, 8), (600, 1000)])
window = QWidget()
row = QHBoxLayout(window)
row.setContentsMargins(7, 3, 5, 9)
canvas = TileCanvas(DARK)
row.addWidget(canvas)
window.resize(613, 517)
matrix.answer(canvas)
canvas.set_picture(matrix.picture)
window.show()
for plane in ("density", "violation", "value"):
    canvas.set_plane(plane)
    for zoom in (-2, -1, 0, 2, 4):
        canvas.set_zoom(zoom)
        for _ in range(4):
            app.processEvents()
        image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        raw = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1) & 0xFFFFFF
        view = canvas.view
        cells = matrix.level(plane, view.rows.level, view.columns.level)
        table = np.array(DARK.colour_map(plane), np.uint32) & 0xFFFFFF
        rows = np.arange(view.rows.start, view.rows.stop) + view.rows.origin
        columns = np.arange(view.columns.start, view.columns.stop) + view.columns.origin
        truth = table[cells[rows // view.rows.cell][:, columns // view.columns.cell]]
        ratio = canvas.devicePixelRatioF()
        top = int(canvas.y() * ratio) + canvas._plot.top + view.rows.start
        left = int(canvas.x() * ratio) + canvas._plot.left + view.columns.start
        found = [
            (down, right)
            for down in (-1, 0, 1, 2)
            for right in (-1, 0, 1, 2)
            if np.array_equal(
                raw[top + down :, left + right :][: truth.shape[0], : truth.shape[1]], truth
            )
        ]
        assert len(found) >= 1, (plane, zoom)
print("ratio", ratio)
"""


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_cells_are_whole_device_pixels(scale):
    environment = {
        **os.environ,
        "QT_SCALE_FACTOR": scale,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE))),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"ratio {float(scale)}"
