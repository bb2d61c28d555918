"""The timeline page from outside: both processes, real files, mouse and keyboard."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timeline_story
from PySide6.QtWidgets import QApplication
from screens import ROOT, environment
from timeline_story import Watcher

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[Watcher]:
    user = timeline_story.start(qapp, tmp_path / "settings.json", Watcher)
    yield user
    user.window.close()
    assert user.link.pid == 0
    user.window.deleteLater()


def test_the_story_of_the_page(user: Watcher, tmp_path: Path) -> None:
    timeline_story.play(user, tmp_path)


def test_the_story_on_a_real_screen(screen: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "whole" / "timeline_story.py")],
        env=environment(DISPLAY=screen, QT_QPA_PLATFORM="xcb", TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    assert played.stdout.strip() == "played on xcb"
