"""Back and forward, undo and redo, and the session that comes back at the next start."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore

from inspector import session
from inspector.history import History, place_key, restored
from inspector.main_window import MainWindow
from inspector.settings import SettingsFile
from inspector.state import FileView, SessionState, Spot
from inspector.theme import SchemeFollower

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]
NETWORK, OTHER = "/models/averaged.safetensors", "/models/other.pt"
ALT = Qt.KeyboardModifier.AltModifier


def tensor(window: MainWindow) -> str:
    file = window.session.state.file
    assert file is not None
    return file.tensor


def test_back_and_forward_over_layers_and_files(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    assert not window.commands["go.back"].isEnabled()
    window.commands["layers.next"].trigger()
    opened(OTHER)
    window.commands["view.mask"].trigger()
    QTest.keyClick(window, Qt.Key.Key_Left, ALT)
    assert window.session.state.file.path == NETWORK
    assert tensor(window) == "fc1.bias"
    QTest.keyClick(window, Qt.Key.Key_Left, ALT)
    assert tensor(window) == "fc1.weight"
    assert not window.commands["go.back"].isEnabled()
    QTest.keyClick(window, Qt.Key.Key_Right, ALT)
    QTest.keyClick(window, Qt.Key.Key_Right, ALT)
    assert window.session.state.file.path == OTHER
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)


def test_undo_takes_back_plane_and_zoom(opened: Open, qtbot: QtBot) -> None:
    window = opened()
    page = window.page
    assert page is not None
    window.commands["view.mask"].trigger()
    with qtbot.waitSignal(page.spot_moved):
        page.canvas.go_to(19, 5, 9)
    seen = window.session.state.files[0].spot
    assert seen is not None
    window.commands["go.undo"].trigger()
    assert window.session.state.files[0].spot is None
    assert page.canvas.middle is None
    window.commands["go.undo"].trigger()
    assert page.canvas.plane == "violation"
    window.commands["go.redo"].trigger()
    window.commands["go.redo"].trigger()
    assert page.canvas.plane == "mask"
    assert page.canvas.middle == (seen.zoom, seen.row, seen.column)
    qtbot.waitUntil(lambda: page.settled)


def test_what_was_closed_stays_closed() -> None:
    one = SessionState().with_file("/a").with_view(0, tensor="w")
    two = one.with_file("/b").with_view(1, tensor="v")
    history = History().left(one).left(two)
    now = two.without_file(0)
    assert restored(now, one).files == now.files
    assert history.back(now, place_key) is None


def test_the_session_comes_back(
    qtbot: QtBot, core: ScriptedCore, settings_path: Path, follower: SchemeFollower, tmp_path: Path
) -> None:
    kept = tmp_path / "state" / "session.json"

    def fresh() -> MainWindow:
        window = MainWindow(core, SettingsFile(settings_path), follower, kept)
        qtbot.addWidget(window)
        window.keeping.restore()
        window.show()
        core.start()
        return window

    first = fresh()
    first.open_path(OTHER)
    first.open_path(NETWORK)
    qtbot.waitUntil(lambda: first.page is not None and first.page.settled)
    first.commands["view.value"].trigger()
    with qtbot.waitSignal(first.page.spot_moved):
        first.page.canvas.go_to(19, 5, 9)
    spot = first.session.state.file.spot
    first.commands["file.previous"].trigger()
    first.close()
    core.files.pop(OTHER)
    second = fresh()
    assert [file.path for file in second.session.state.files] == [OTHER, NETWORK]
    assert second.session.state.file.path == OTHER
    qtbot.waitUntil(lambda: bool(second.problems.problems))
    assert second.problems.sentence.text() == f"{OTHER} does not exist."
    second.commands["file.next"].trigger()
    qtbot.waitUntil(lambda: second.page is not None and second.page.settled)
    assert second.page.shown()["plane"] == "value"
    assert second.session.state.file.spot == spot
    assert second.page.canvas.middle == (spot.zoom, spot.row, spot.column)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"\xff{", "cannot be read"),
        (b'{"version": 1, "files": [{"number": "x"}]}', "cannot be read"),
        (b'{"version": 99, "files": []}', "another version"),
    ],
)
def test_no_session_blocks_the_start(
    qapp: QApplication, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(content)
    kept, sentence = session.read(path)
    assert kept == session.Kept()
    assert says in sentence


def test_a_session_is_written_and_read_and_numbers_are_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new" / "session.json"
    file = FileView(7, "/a", "ema", "w", "mask", "gpu", Spot(3, 4, 5))
    state = msgspec.structs.replace(SessionState(), files=(file,), current=7)
    session.write(path, session.kept_of(state, "00ff"))
    kept, sentence = session.read(path)
    assert (kept.geometry, sentence) == ("00ff", "")
    back = session.restored(SessionState().with_file("/first"), kept)
    assert back.file == msgspec.structs.replace(file, number=1)
    assert session.read(tmp_path / "none")[1] == ""
