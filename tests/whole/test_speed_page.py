"""The speed page from outside: all processes, real files, mouse and keyboard."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import speed_story
from PySide6.QtWidgets import QApplication
from screens import ROOT, environment
from speed_story import Timer
from weights_story import drop, start, until

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep tests in a folder of our own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[Timer]:
    user = start(qapp, tmp_path / "settings.json", Timer)
    yield user
    user.window.close()
    assert user.link.pid == 0
    user.window.deleteLater()


def test_the_story_of_the_page(user: Timer, tmp_path: Path) -> None:
    speed_story.play(user, tmp_path)


def test_the_story_on_a_real_screen(screen: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "whole" / "speed_story.py")],
        env=environment(DISPLAY=screen, QT_QPA_PLATFORM="xcb", TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    assert played.stdout.strip() == "played on xcb"


def test_a_layer_that_breaks_its_pattern_is_said_and_the_rest_goes_on(
    user: Timer, tmp_path: Path
) -> None:
    import numpy as np
    from safetensors.numpy import load_file, save_file

    file = tmp_path / "sparse.safetensors"
    speed_story.write_sparse(file)
    network = load_file(file)
    network["block.2.fc.weight"] = network["block.2.fc.weight"].copy()
    network["block.2.fc.weight"][7, 8:12] = 1
    network["block.1.fc.weight"] = np.full((256, 512), np.nan, np.float32)
    save_file(network, file)
    drop(user.window, file)
    user.settled()
    user.window.shelf.show("speed")
    page = user.speed
    page.change(batches=(2,), seconds=0.0)
    page.run()
    until(lambda: page.feed.running, "the beginning")
    user.ended()
    assert page.feed.stage == "complete"
    cards = {card.layer: card for card in page.cards.cards}
    broken = {one.backend: one for one in cards["block.2.fc.weight"].lines}
    assert "pattern" in broken["nm_native"].reason or "2:4" in broken["nm_native"].reason
    assert broken["csr"].correct is True
    whole = {one.backend: one for one in cards["block.0.fc.weight"].lines}
    assert whole["nm_native"].correct is True


def test_what_is_no_result_is_refused_and_a_core_that_dies_ends_the_test(
    user: Timer, tmp_path: Path
) -> None:
    import os
    import signal

    file = tmp_path / "sparse.safetensors"
    speed_story.write_sparse(file)
    drop(user.window, file)
    user.settled()
    user.window.shelf.show("speed")
    page = user.speed
    strange = tmp_path / "notes.txt"
    strange.write_text("no rows\n")
    page.change(beside=str(strange))
    until(lambda: bool(user.window.problems.problems), "a sentence")
    assert "no result of a speed test" in user.window.problems.sentence.text()
    user.window.problems.dismiss.click()
    page.change(batches=(64,), seconds=5.0)
    page.run()
    until(lambda: page.feed.running and speed_story.children(user.link.pid), "a process")
    timing = speed_story.children(user.link.pid)
    os.kill(user.link.pid, signal.SIGKILL)
    until(lambda: not page.feed.running, "the end")
    assert page.feed.stage == "stopped"
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in timing), "its process' end")
