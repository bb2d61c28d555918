"""The demo behind a real sshd, 80 ms away at 10 Mbit/s: how long until something is known.

Prints, as medians over several runs, the time from the handshake to the verdict and to the first
whole picture of the map, and the longest that the window's
loop stood still while the map was panned. Targets: verdict 2 s, first picture 1.5 s.
"""

import os
import shlex
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

# ruff: noqa: E402 - the path comes first
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "whole")]

import msgspec
from loopback import Loopback
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import resources
from inspector.app.assemble import assemble

RUNS = 5
MOVES = 60
PATIENCE_S = 30.0
SHIM = ROOT / "tests" / "whole" / "narrow_line.py"


class Figures(msgspec.Struct):
    """Seconds after the handshake, and the longest stall in milliseconds."""

    verdict_s: float = 0.0
    picture_s: float = 0.0
    stall_ms: float = 0.0


def look(app: QApplication, folder: Path, command: str) -> Figures:
    """Open the demo once through a command and pan over it."""
    parts = assemble(app, folder / "settings.json")
    window, figures = parts.window, Figures()
    settings = msgspec.structs.replace(
        window.preferences.settings, hosts={"gpu": command}, cache=False
    )
    window.preferences.change(settings)
    window.show()
    met: list[float] = []
    window.cores.welcomed.connect(lambda *_: met.append(perf_counter()))
    window.open_path(str(resources.demo()), host="gpu")
    give_up = perf_counter() + PATIENCE_S
    while not (figures.verdict_s and figures.picture_s) and perf_counter() < give_up:
        app.processEvents()
        page, feed = window.page, window.feed
        if not met or page is None or feed is None:
            continue
        now = perf_counter() - met[0]
        if not figures.verdict_s and feed.verdict is not None and not feed.verdict.partial:
            figures.verdict_s = now
        if not figures.picture_s and page.canvas.picture is not None and page.canvas.covered:
            figures.picture_s = now
    figures.stall_ms = 1000 * pan(app, window.page)
    window.close()
    window.deleteLater()
    app.processEvents()
    return figures


def pan(app: QApplication, page: object) -> float:
    """Pan to and fro from close by; return the longest time between two turns of the loop."""
    canvas = page.canvas
    turns = [perf_counter()]
    clock = QTimer(interval=0)
    clock.timeout.connect(lambda: turns.append(perf_counter()))
    clock.start()
    canvas.go_to(16, 100, 300)
    for step in range(MOVES):
        key = (Qt.Key.Key_Left, Qt.Key.Key_Right)[step // 10 % 2]
        QTest.keyClick(canvas, key)
        app.processEvents()
    clock.stop()
    return max(after - before for before, after in pairwise(turns))


def main() -> None:
    """Measure and print."""
    app = QApplication(["benchmark"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Loopback(folder)
        server.start()
        ssh = server.ssh
        shim = shlex.join([sys.executable, str(SHIM), "--delay-ms", "80", "--mbit", "10", "--"])
        try:
            straight = [look(app, folder, ssh) for _ in range(RUNS)]
            narrow = [look(app, folder, f"{shim} {ssh}") for _ in range(RUNS)]
        finally:
            server.stop()
    for kind, runs in (("loopback", straight), ("narrow", narrow)):
        print(f"{kind}_verdict_s: {median(run.verdict_s for run in runs):.3f}")
        print(f"{kind}_first_picture_s: {median(run.picture_s for run in runs):.3f}")
        print(f"{kind}_pan_longest_stall_ms: {median(run.stall_ms for run in runs):.1f}")


if __name__ == "__main__":
    main()
