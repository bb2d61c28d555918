"""The timeline page from outside: both processes, real files, mouse and keyboard."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timeline_story
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from safetensors.numpy import save_file
from screens import ROOT, environment
from timeline_story import Watcher
from weights_story import until

from inspector.errands import ShowSeries

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


def opened(user: Watcher, folder: Path) -> None:
    user.window.run(ShowSeries((str(folder),), pattern="2:4"))
    QTest.qWait(60)
    until(lambda: user.timeline.settled, "a settled timeline", user.timeline.shown)


def test_a_corrupt_file_in_the_middle_is_said_and_the_rest_is_shown(
    user: Watcher, tmp_path: Path
) -> None:
    masks = timeline_story.write_series(tmp_path / "run", 1)
    (tmp_path / "run" / "model-500.safetensors").write_bytes(b"\xff" * 40)
    opened(user, tmp_path / "run")
    page = user.timeline
    assert page.shown()["steps"] == [step for step in timeline_story.STEPS if step != 500]
    assert "model-500.safetensors" in page.verdict.conditions.text()
    page.change(step=600)
    user.rests()
    assert timeline_story.number(user.figures["SAD"]) == timeline_story.flips(masks[4], masks[6])


def test_one_checkpoint_is_nothing_to_compare(user: Watcher, tmp_path: Path) -> None:
    timeline_story.write_series(tmp_path / "run", 1)
    for step in timeline_story.STEPS[1:]:
        (tmp_path / "run" / f"model-{step}.safetensors").unlink()
    opened(user, tmp_path / "run")
    assert "known at one checkpoint only" in user.timeline.shown()["verdict"]
    assert user.timeline.facts == {"series"}
    assert user.window.problems.problems == ()


def test_layers_that_come_go_or_change_are_said(user: Watcher, tmp_path: Path) -> None:
    timeline_story.write_series(tmp_path / "run", 1)
    random = np.random.default_rng(1)
    for step, shape in ((900, (24, 32)), (1000, (24, 64)), (1100, (24, 64))):
        other = {
            "block.fc.weight": random.standard_normal(shape).astype(np.float32),
            "late.weight": random.standard_normal((8, 8)).astype(np.float32),
            "empty.weight": np.zeros((0, 4), np.float32),
        }
        save_file(other, tmp_path / "run" / f"model-{step}.safetensors")
    opened(user, tmp_path / "run")
    said = user.timeline.verdict.conditions.text()
    for part in ("head.weight", "late.weight", "block.fc.weight"):
        assert part in said
    assert user.window.problems.problems == ()


def test_a_folder_is_followed_and_a_file_that_is_replaced_is_read_again(
    user: Watcher, tmp_path: Path
) -> None:
    masks = timeline_story.write_series(tmp_path / "run", 1)
    other = timeline_story.write_series(tmp_path / "other", 2)
    last = tmp_path / "run" / "model-1100.safetensors"
    last.rename(tmp_path / "later")
    opened(user, tmp_path / "run")
    page = user.timeline
    assert page.shown()["steps"][-1] == 1000
    (tmp_path / "later").rename(last)
    until(lambda: page.shown()["steps"][-1] == 1100, "the new checkpoint", page.shown)
    user.rests()
    assert timeline_story.number(user.figures["SAD"]) == timeline_story.flips(masks[10], masks[11])
    (tmp_path / "other" / "model-1100.safetensors").replace(last)
    wanted = timeline_story.flips(masks[10], other[11])
    until(
        lambda: user.figures.get("SAD", "").replace(",", "") == str(wanted),
        "the flips of the file that took its place",
        lambda: user.figures,
    )


def test_files_one_by_one_are_a_series(user: Watcher, tmp_path: Path) -> None:
    masks = timeline_story.write_series(tmp_path / "run", 1)
    user.window.shelf.show("timeline")
    page = user.timeline
    files = [str(tmp_path / "run" / f"model-{step}.safetensors") for step in (1100, 0, 300)]
    page.open_files(files)
    page.change(pattern="2:4")
    user.rests()
    assert page.shown()["steps"] == [0, 300, 1100]
    assert timeline_story.number(user.figures["SAD"]) == timeline_story.flips(masks[3], masks[11])
