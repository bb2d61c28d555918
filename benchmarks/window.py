"""How soon the window is there, and how it bears 92,400 tensors.

``python benchmarks/window.py [--rounds N] [--tensors N]``. A bare PySide6 + pyqtgraph window is
started in turn with ours, each in a fresh process, timed from its start to its first paint. The
header goes through the real core; the loop's stalls are the lateness of a 5 ms timer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

PROBE_MS = 5
KEYS = ("e", "x", "p", " ", "7")

FIRST_PAINT = """
from PySide6.QtCore import QEvent, QObject
class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            print("painted", flush=True)
            sys.stdout.close()
            os._exit(0)
        return False
"""
BARE = f"""
import os, sys
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph
{FIRST_PAINT}
app = QApplication(["bare"])
window = QMainWindow()
plot = pyqtgraph.PlotWidget()
window.setCentralWidget(plot)
window.resize(1440, 900)
first = FirstPaint()
plot.viewport().installEventFilter(first)
window.show()
app.exec()
"""
OURS = f"""
import os, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from inspector.app.assemble import assemble
{FIRST_PAINT}
app = QApplication(["sparsescope"])
parts = assemble(app, Path(sys.argv[1]))
first = FirstPaint()
parts.window.welcome.installEventFilter(first)
parts.window.show()
app.exec()
"""


def painted_after(code: str, folder: Path) -> float:
    """Return the seconds from the start of a process to its first paint."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "settings.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert child.stdout is not None
    child.stdout.readline()
    seconds = time.perf_counter() - began
    child.wait()
    return seconds


def write_header(path: Path, tensors: int) -> None:
    """Write a mixture of experts: many small matrices under long names."""
    parts = ("gate_proj", "up_proj", "down_proj")
    header, offset = {}, 0
    for number in range(tensors):
        layer, rest = divmod(number, 1536)
        expert, part = divmod(rest, 3)
        name = f"model.layers.{layer}.mlp.experts.{expert}.{parts[part]}.weight"
        header[name] = {"dtype": "F32", "shape": [4, 8], "data_offsets": [offset, offset + 128]}
        offset += 128
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)


class Probe(QObject):
    """Keeps the worst lateness of a 5 ms timer."""

    def __init__(self) -> None:
        super().__init__()
        self.worst_ms = 0.0
        self._since = QElapsedTimer()
        self._timer = QTimer(self, interval=PROBE_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin anew."""
        self.worst_ms = 0.0
        self._since.start()
        self._timer.start()

    def _tick(self) -> None:
        late = self._since.nsecsElapsed() / 1e6 - PROBE_MS
        self.worst_ms = max(self.worst_ms, late)
        self._since.start()


def until(app: QApplication, done: Callable[[], object]) -> None:
    """Let the program run until something is so."""
    while not done():
        app.processEvents()
        time.sleep(0.0005)


def many_tensors(folder: Path, tensors: int) -> dict[str, float]:
    """Open a large header in the real window and filter it."""
    from inspector.app.assemble import assemble
    from sparse_core.messages.query import parse

    path = folder / "many.safetensors"
    write_header(path, tensors)
    app = QApplication(["sparsescope"])
    parts = assemble(app, folder / "settings.json")
    window, link = parts.window, parts.link
    window.show()
    link.start()
    until(app, lambda: link.ready)
    probe = Probe()
    probe.start()
    began = time.perf_counter()
    window.open_path(str(path))
    feed = window.feed
    assert feed is not None
    until(app, lambda: feed.stage != "listing")
    tree_s = time.perf_counter() - began
    assert len(feed.table) == tensors, len(feed.table)
    until(app, lambda: time.perf_counter() - began > tree_s + 3)
    opening_ms = probe.worst_ms
    page = window.page
    assert page is not None
    keystrokes = []
    probe.start()
    for key in KEYS:
        began = time.perf_counter()
        QTest.keyClicks(page.layers.filter, key)
        typed = parse(page.layers.filter.text())
        if feed.layers.filter != typed:
            until(app, lambda typed=typed: feed.layers.filter == typed)
            app.processEvents()
            keystrokes.append(time.perf_counter() - began)
    filtering_ms = probe.worst_ms
    window.close()
    return {
        "tree_s": tree_s,
        "opening_stall_ms": opening_ms,
        "keystroke_ms": max(keystrokes) * 1000,
        "keystroke_stall_ms": filtering_ms,
    }


def main() -> None:
    """Measure and print ``name: value`` lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tensors", type=int, default=92_400)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        for _ in range(args.rounds):
            times["bare"].append(painted_after(BARE, folder))
            times["ours"].append(painted_after(OURS, folder))
        bare, ours = (statistics.median(times[kind]) for kind in ("bare", "ours"))
        print(f"bare_window_s: {bare:.3f}")
        print(f"window_visible_s: {ours:.3f}")
        print(f"window_over_bare: {ours / bare:.2f}")
        for label, value in many_tensors(folder, args.tensors).items():
            print(f"{label}: {value:.3f}" if label.endswith("_s") else f"{label}: {value:.0f}")


if __name__ == "__main__":
    main()
