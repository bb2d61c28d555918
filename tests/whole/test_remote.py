"""Checkpoints on another machine: the window here, the core behind a real sshd.

Loopback only, and a few hundred kilobytes of it.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import weights_story
from loopback import ROOT, Loopback
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from safetensors.numpy import save_file
from weights_story import User, until, write_planted

from sparse_core.messages import Tile
from sparse_core.version import VERSION

pytestmark = [pytest.mark.gui, pytest.mark.slow]
NARROW = f"{sys.executable} {Path(__file__).with_name('narrow_line.py')}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    server = Loopback(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


Start = Callable[..., User]


@pytest.fixture
def start(qapp: QApplication, server: Loopback, tmp_path: Path) -> Iterator[Start]:
    """Opens a window whose hosts are the loopback's; a command may be given for ``gpu``."""
    users: list[User] = []

    def start_it(command: str = "") -> User:
        settings = {"version": 1, "ssh": server.ssh, "hosts": {"gpu": command} if command else {}}
        path = tmp_path / "settings.json"
        path.write_text(json.dumps(settings))
        users.append(weights_story.start(qapp, path))
        return users[-1]

    yield start_it
    for user in users:
        user.window.close()
        user.window.deleteLater()


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Path, np.ndarray]:
    path = tmp_path / "über 2.safetensors"
    return path, write_planted(path)


def said(user: User) -> str:
    return user.window.problems.sentence.text()


def said_of(user: User) -> Callable[[], str]:
    return lambda: said(user)


def test_a_file_over_there_is_shown_and_nothing_is_copied(
    start: Start, server: Loopback, planted: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, weight = planted
    before = set(tmp_path.iterdir())
    user = start()
    user.window.open_place(f"gpu:{path}")
    tiles: list[Tile] = []
    user.page._focus.tile_arrived.connect(tiles.append)
    user.settled()
    assert user.shown["counters"]["broken"] == 1
    assert user.window.tabs.bar.tabText(0).endswith(" · gpu")
    assert user.window.core_label.text().startswith("core: gpu · ")
    place = (4, 8)
    user.page.look_at(*place)
    until(lambda: (user.shown["cursor"] or {}).get("column") == 8, "the value")
    assert user.shown["cursor"]["value"] == weight[place]
    assert tiles
    assert all(tile.packed for tile in tiles)
    assert any(server.cache.rglob("*.scan"))
    assert set(tmp_path.iterdir()) - before == {tmp_path / "settings.json"}
    assert user.window.preferences.settings.recent == (f"gpu:{path}",)


def test_several_cores_at_once_and_the_label_follows_the_tab(
    start: Start, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    user = start()
    user.window.open_path(str(path))
    user.settled()
    user.window.open_place(f"gpu:{path}")
    user.settled()
    assert user.window.cores.hosts() == ("", "gpu")
    assert len({user.window.cores.of(host).pid for host in ("", "gpu")}) == 2
    QTest.keyClick(user.window, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert user.window.core_label.text().startswith("core: local")


def test_a_line_that_was_cut_comes_back_and_goes_on(
    start: Start, server: Loopback, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    user = start()
    user.window.open_place(f"gpu:{path}")
    user.settled()
    server.cut()
    until(lambda: user.window.cores.state("gpu") == "reconnecting", "a line that is tried again")
    assert "line to gpu" in said(user)
    # Asked while there is no line: answered when it is back, and no file is to blame.
    user.window.commands["layers.next"].trigger()
    until(lambda: user.window.cores.state("gpu") == "ready", "the line")
    until(lambda: "is back" in said(user), "the sentence")
    until(lambda: user.page.settled, "the layer")
    assert [problem.severity for problem in user.window.problems.problems] == ["notice"]


def test_a_line_cut_in_the_middle_of_a_frame(
    start: Start, server: Loopback, planted: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, _ = planted
    cut = f"--mbit 100 --delay-ms 2 --cut-after 3000 --once '{tmp_path / 'cut'}'"
    user = start(f"{NARROW} {cut} -- {server.ssh}")
    user.window.open_place(f"gpu:{path}")
    until(lambda: (tmp_path / "cut").exists(), "the first line")
    until(lambda: user.page.settled and user.shown["counters"]["broken"] == 1, "the verdict")
    assert user.shown["counters"]["tensors"] == 4
    assert "is back" in said(user)


def test_a_core_killed_over_there_is_started_again(
    start: Start, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    user = start()
    user.window.open_place(f"gpu:{path}")
    user.settled()
    welcome = user.window.cores.welcome("gpu")
    assert welcome is not None
    os.kill(welcome.pid, signal.SIGKILL)
    until(lambda: "started again" in said(user), "a notice")
    assert "core on gpu" in said(user)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("nowhere.invalid", ("nowhere.invalid", "~/.ssh/config")),
        ("refused", ("refused refused your key", "ssh-copy-id refused")),
        ("stale", ("host key of stale",)),
        ("away", ("away does not answer", "F5")),
    ],
)
def test_a_host_that_cannot_be_reached_is_a_sentence(
    start: Start, host: str, words: tuple[str, ...]
) -> None:
    user = start()
    user.window.open_place(f"{host}:/models/a.safetensors")
    until(lambda: user.window.cores.state(host) == "failed", "an end")
    assert all(word in said(user) for word in words), said(user)
    assert len(user.window.problems.problems) == 1
    assert user.window.core_label.text() == f"core: {host} · failed"


def test_no_sparsescope_there_says_what_to_install_and_f5_tries_again(
    start: Start, server: Loopback, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    user = start(f"{server.reach} HOST no-such-sparsescope serve")
    user.window.open_place(f"gpu:{path}")
    until(lambda: user.window.cores.state("gpu") == "failed", "an end")
    assert f"pip install sparsescope=={VERSION}" in said(user)
    assert "not found" in said(user)
    preferences = user.window.preferences
    settings = preferences.settings
    preferences.change(type(settings)(ssh=settings.ssh))
    QTest.keyClick(user.window, Qt.Key.Key_F5)
    user.settled()


def test_another_version_says_what_to_install(
    start: Start, server: Loopback, tmp_path: Path
) -> None:
    other = tmp_path / "other.py"
    other.write_text(
        "import sys, sparse_core.commands.serve as serve\n"
        "serve.PROTOCOL, serve.VERSION = 999, '9.9'\n"
        "from sparse_core.__main__ import main\n"
        "sys.exit(main(['serve']))\n"
    )
    user = start(f"{server.reach} HOST {sys.executable} -P {other}")
    user.window.open_place("gpu:/models/a.safetensors")
    until(lambda: user.window.cores.state("gpu") == "failed", "an end")
    assert "sparsescope 9.9" in said(user)
    assert f"ssh gpu pip install sparsescope=={VERSION}" in said(user)


def test_a_file_replaced_over_there_is_told_and_read_anew(
    start: Start, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    user = start()
    user.window.open_place(f"gpu:{path}")
    user.settled()
    replacement = path.with_name("replacement")
    save_file({"only.weight": np.ones((8, 8), np.float32)}, replacement)
    replacement.replace(path)
    # A question in flight may have met the new file first; the notice comes all the same.
    until(lambda: f"{path.name} on gpu changed on disk" in said(user), "a notice", said_of(user))
    action = user.window.problems.action
    QTest.mouseClick(action, Qt.MouseButton.LeftButton, pos=action.rect().center())
    until(lambda: user.page.settled and user.shown["counters"]["tensors"] == 1, "the new file")
    assert user.window.problems.problems == ()


def test_a_file_is_chosen_in_the_folders_over_there(
    start: Start, planted: tuple[Path, np.ndarray]
) -> None:
    path, _ = planted
    (path.parent / "deeper").mkdir()
    user = start()
    user.window.commands["file.open_remote"].trigger()
    dialog = user.window.remote.dialog
    assert dialog is not None
    dialog.host.setEditText("-oProxyCommand=x")
    dialog.path.setText("/")
    dialog.look.click()
    assert "no name of a machine" in dialog.said.text()
    dialog.host.setEditText("gpu")
    dialog.path.setText(str(path))
    dialog.look.click()
    until(lambda: "is a file" in dialog.said.text(), "a sentence", dialog.said.text)
    dialog.path.setText(str(path.parent))
    dialog.look.click()
    until(lambda: dialog.list.count() > 0, "a listing", dialog.said.text)
    shown = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    assert shown[0] == "deeper/"
    row = next(row for row, text in enumerate(shown) if text.startswith(path.name))
    dialog.list.setCurrentRow(row)
    dialog.list.itemActivated.emit(dialog.list.item(row))
    user.settled()
    assert user.window.session.state.file is not None
    assert user.window.session.state.file.place == f"gpu:{path}"


def test_panning_over_a_narrow_line_never_blocks(
    start: Start, server: Loopback, planted: tuple[Path, np.ndarray]
) -> None:
    """80 ms away at 10 Mbit/s the window still gets its turns between every two moves."""
    path, _ = planted
    user = start(f"{NARROW} -- {server.ssh}")
    user.window.open_place(f"gpu:{path}")
    user.settled()
    canvas, turns = user.page.canvas, []
    clock = QTimer(interval=0)
    clock.timeout.connect(lambda: turns.append(1))
    user.page.canvas.go_to(10, 150, 350)
    clock.start()
    for step in range(40):
        before = len(turns)
        key = (Qt.Key.Key_Left, Qt.Key.Key_Right)[step // 10 % 2]
        QTest.keyClick(canvas, key, Qt.KeyboardModifier.ShiftModifier)
        QTest.qWait(1)
        assert len(turns) > before
    clock.stop()
    user.settled()


def test_main_takes_a_host(server: Loopback) -> None:
    from inspector.app.arguments import parse

    assert parse(["gpu:/a b.pt", "me@gpu:runs/x", "./a:b"]).paths == (
        "gpu:/a b.pt",
        "me@gpu:runs/x",
        str(Path("a:b").absolute()),
    )
    assert str(ROOT) not in server.ssh
