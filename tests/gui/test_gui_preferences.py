"""The settings dialog, the size of text, hosts and their commands."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore

from inspector.link.endings import Exit, judge
from inspector.link.places import is_host, join, split
from inspector.main_window import MainWindow
from inspector.settings import SSH, Settings, SettingsFile
from inspector.theme import SchemeFollower
from inspector.views.settings_dialog import SettingsDialog
from sparse_core.messages import OpenCheckpoint

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]


@pytest.fixture
def usual_size(follower: SchemeFollower) -> Iterator[None]:
    yield
    follower.scale(100)


@pytest.fixture
def dialog(window: MainWindow) -> SettingsDialog:
    window.commands["file.settings"].trigger()
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    return dialog


def enter(field: object, text: str) -> None:
    field.setText(text)
    field.editingFinished.emit()


def test_every_setting_is_in_force_at_once_and_kept(
    window: MainWindow, dialog: SettingsDialog, settings_path: Path, core: ScriptedCore,
    usual_size: None,
) -> None:  # fmt: skip
    assert not dialog.isModal()
    dialog.theme.setCurrentIndex(dialog.theme.findData("light"))
    dialog.scale.setCurrentIndex(dialog.scale.findData(125))
    dialog.threads.setValue(3)
    dialog.cache.click()
    enter(dialog.threshold, "1e-6")
    enter(dialog.runs, "/runs ")
    enter(dialog.python, "/venv/bin/python")
    enter(dialog.ssh, "tsh ssh HOST sparsescope serve")
    dialog.hosts.setPlainText("gpu1 = ssh HOST '/opt/my venv/sparsescope' serve\n")
    kept = SettingsFile(settings_path).settings
    assert kept == window.preferences.settings
    assert kept == Settings(
        theme="light", scale=125, threshold=1e-6, threads=3, cache=False, runs_folder="/runs",
        python="/venv/bin/python", ssh="tsh ssh HOST sparsescope serve",
        hosts={"gpu1": "ssh HOST '/opt/my venv/sparsescope' serve"},
    )  # fmt: skip
    assert kept.command_for("gpu1") == ("ssh", "gpu1", "/opt/my venv/sparsescope", "serve")
    assert kept.command_for("b") == ("tsh", "ssh", "b", "sparsescope", "serve")
    assert core.threads == 3
    assert window.files.options.threshold == 1e-6
    assert not window.files.options.cache


def test_nonsense_is_told_beside_the_field_and_not_kept(
    window: MainWindow, dialog: SettingsDialog
) -> None:
    for text in ("x", "-1", "inf", "nan"):
        enter(dialog.threshold, text)
        assert "is no threshold" in dialog.complaint.text()
    enter(dialog.ssh, "ssh 'HOST")
    assert "no command" in dialog.complaint.text()
    dialog.hosts.setPlainText("gpu1")
    assert "NAME = COMMAND" in dialog.complaint.text()
    assert window.preferences.settings == Settings()


def test_the_cache_is_counted_and_emptied(dialog: SettingsDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: dialog.held.text() == "3 results, 9 B")
    dialog.clear.click()
    qtbot.waitUntil(lambda: dialog.held.text() == "0 results, 0 B")


def test_another_threshold_judges_what_is_open_anew(
    opened: Open, core: ScriptedCore, qtbot: QtBot
) -> None:
    window = opened()
    before = core.count_of(OpenCheckpoint)
    window.preferences.change(Settings(threshold=0.5))
    qtbot.waitUntil(lambda: window.page is not None and window.page.settled)
    assert core.count_of(OpenCheckpoint) == before + 1
    latest = [body for body in core.asked if isinstance(body, OpenCheckpoint)][-1]
    assert latest.options.threshold == 0.5


def test_text_grows_shrinks_and_comes_back(window: MainWindow, usual_size: None) -> None:
    title = window.log.title
    before = QApplication.font().pointSizeF(), title.font().pointSizeF()
    window.commands["view.larger"].trigger()
    window.commands["view.larger"].trigger()
    assert window.preferences.settings.scale == 125
    assert QApplication.font().pointSizeF() == pytest.approx(before[0] * 1.25)
    assert title.font().pointSizeF() == pytest.approx(before[1] * 1.25)
    window.commands["view.smaller"].trigger()
    window.commands["view.usual_size"].trigger()
    assert (QApplication.font().pointSizeF(), title.font().pointSizeF()) == pytest.approx(before)
    for _ in range(20):
        window.commands["view.smaller"].trigger()
    assert window.preferences.settings.scale == 75


def test_settings_of_single_hosts_survive_damage(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"version": 1, "hosts": {"a": 1}, "ssh": "x HOST", "scale": "big"}))
    file = SettingsFile(path)
    assert file.settings == Settings(ssh="x HOST")
    assert "hosts" in file.notice
    assert "scale" in file.notice


# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("gpu1:/a/b.pt", "gpu1", "/a/b.pt"),
        ("me@gpu-1.lab:~/x", "me@gpu-1.lab", "x"),
        ("[::1]:/a", "[::1]", "/a"),
        ("/a:b", "", "/a:b"),
        ("./a:b", "", "./a:b"),
        ("hf://org/model", "", "hf://org/model"),
        ("-oProxyCommand=x:/a", "", "-oProxyCommand=x:/a"),
        ("gpu1:", "", "gpu1:"),
        ("a b:/c", "", "a b:/c"),
        ("plain", "", "plain"),
    ],
)
def test_a_place_is_split_as_scp_does(text: str, host: str, path: str) -> None:
    assert split(text) == (host, path)
    if host and not text.endswith("~/x"):
        assert join(host, path) == text


def test_an_option_is_no_host() -> None:
    assert not any(is_host(text) for text in ("-l", "", "a b", "x@-o", "a;b", "@a"))
    assert "BatchMode=yes" in SSH


@pytest.mark.parametrize(
    ("said", "met", "lost", "hopeless"),
    [
        ("ssh: Could not resolve hostname g: Name or service not known", False, False, True),
        ("ssh: Could not resolve hostname g: Name or service not known", True, True, False),
        ("me@g: Permission denied (publickey).", True, False, True),
        ("Host key verification failed.", False, False, True),
        ("ssh: connect to host g port 22: Connection timed out", False, False, True),
        ("ssh: connect to host g port 22: No route to host", True, True, False),
        ("Timeout, server g not responding.", True, True, False),
        ("client_loop: send disconnect: Broken pipe", False, True, False),
        ("", True, False, False),
    ],
)
def test_what_ssh_says_decides(said: str, met: bool, lost: bool, hopeless: bool) -> None:
    ending = judge(Exit("exit status 255", 255, said=(said,)), "g", met)
    assert (ending.line_lost, ending.hopeless) == (lost, hopeless)
    assert "g" in ending.sentence


def test_other_ends_of_a_core_elsewhere() -> None:
    missing = judge(
        Exit("exit status 127", 127, said=("sh: 1: sparsescope: not found",)), "g", True
    )
    assert missing.hopeless
    assert "pip install sparsescope==" in missing.sentence
    assert judge(Exit("execvp: No such file", started=False), "g", False).hopeless
    assert judge(Exit("killed by signal 9", 9, crashed=True), "g", True).line_lost
    here = judge(Exit("killed by signal 9", 9, crashed=True), "", True)
    assert not here.line_lost
    assert not here.hopeless


def test_the_dialog_is_reached_by_keyboard(dialog: SettingsDialog) -> None:
    nameless = [
        field
        for field in (dialog.theme, dialog.scale, dialog.threshold, dialog.ssh, dialog.hosts)
        if not field.accessibleName()
    ]
    assert nameless == []
