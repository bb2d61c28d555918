"""A window with a scripted core, and a watch over what tests leave behind."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QProcess, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore, small_network
from shiboken6 import isValid

import resources
from inspector.main_window import MainWindow
from inspector.settings import SettingsFile
from inspector.theme import SchemeFollower, register_fonts

NETWORK = "/models/averaged.safetensors"
OTHER = "/models/other.pt"


def _alive(kind: type[QObject]) -> list[QObject]:
    # Not isinstance: other libraries' objects answer __class__ with warnings.
    return [o for o in gc.get_objects() if issubclass(type(o), kind) and isValid(o)]


def _windows() -> set[QWidget]:
    return {widget for widget in QApplication.topLevelWidgets() if isValid(widget)}


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a window, a running timer or a process."""
    if "qapp" not in request.fixturenames:
        yield
        return
    qapp = request.getfixturevalue("qapp")
    before = _windows()
    yield
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    gc.collect()
    windows = [widget for widget in _windows() - before if widget.parent() is None]
    assert not windows, f"windows left behind: {windows}"
    timers = [timer for timer in _alive(QTimer) if timer.isActive()]
    assert not timers, f"timers still running: {[timer.parent() for timer in timers]}"
    running = QProcess.ProcessState.NotRunning
    processes = [process for process in _alive(QProcess) if process.state() != running]
    assert not processes, f"processes left behind: {processes}"


@pytest.fixture(scope="session")
def fonts(qapp: QApplication) -> None:
    """The bundled fonts: the same widths on every machine."""
    register_fonts(resources.fonts())


@pytest.fixture
def follower(qapp: QApplication, fonts: None) -> SchemeFollower:
    return SchemeFollower(qapp, "dark")


@pytest.fixture
def settings_path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore({NETWORK: small_network(), OTHER: small_network(1)})


@pytest.fixture
def window(
    qtbot: QtBot, core: ScriptedCore, settings_path: Path, follower: SchemeFollower
) -> MainWindow:
    """A shown window whose core is scripted."""
    window = MainWindow(core, SettingsFile(settings_path), follower)
    qtbot.addWidget(window)
    window.show()
    core.start()
    return window


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens a file and waits until all of it is shown."""

    def open_it(path: str = NETWORK) -> MainWindow:
        window.open_path(path)
        qtbot.waitUntil(lambda: window.page is not None and window.page.settled)
        return window

    return open_it
