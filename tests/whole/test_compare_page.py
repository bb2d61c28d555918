"""The compare page from outside: both processes, real files, mouse and keyboard."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import compare_story
import numpy as np
import pytest
from compare_story import LAYER, Comparer
from PySide6.QtWidgets import QApplication
from safetensors.numpy import save_file
from screens import ROOT, environment
from weights_story import start, until

from inspector.errands import CompareTwo

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[Comparer]:
    user = start(qapp, tmp_path / "settings.json", Comparer)
    yield user
    user.window.close()
    assert user.link.pid == 0
    user.window.deleteLater()


def test_the_story_of_the_page(user: Comparer, tmp_path: Path) -> None:
    compare_story.play(user, tmp_path)


def test_the_story_on_a_real_screen(screen: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "whole" / "compare_story.py")],
        env=environment(DISPLAY=screen, QT_QPA_PLATFORM="xcb", TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    assert played.stdout.strip() == "played on xcb"


def test_diff_on_the_command_line_opens_the_page(tmp_path: Path) -> None:
    first, second, a, b = compare_story.write_pair(tmp_path)
    folder = tmp_path / "pictures"
    command = [str(ROOT / "main.py"), str(first), "--diff", str(second), "--pictures", str(folder)]
    drawn = subprocess.run(
        [sys.executable, *command, "--page", "compare"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert drawn.returncode == 0, drawn.stderr
    said = json.loads((folder / "shown.json").read_text())
    shown = said.get("compare", said)
    assert shown["layer"] == LAYER
    flips = int(((a[LAYER] != 0) ^ (b[LAYER] != 0)).sum())
    assert shown["counter"].startswith(f"{flips} flips")
    assert (folder / "compare-light.png").stat().st_size > 10_000


def sentence(user: Comparer) -> str:
    until(lambda: bool(user.window.problems.problems), "a sentence")
    text = user.window.problems.sentence.text()
    assert "Traceback" not in text
    user.window.problems.dismiss.click()
    return text


def test_what_cannot_be_compared_is_said_and_the_page_goes_on(
    user: Comparer, tmp_path: Path
) -> None:
    first, second, *_ = compare_story.write_pair(tmp_path)
    strange = tmp_path / "strange.safetensors"
    save_file({"other.weight": np.ones((8, 8), np.float32)}, strange)
    user.window.run(CompareTwo(str(first), str(tmp_path / "nowhere.safetensors")))
    assert "nowhere.safetensors" in sentence(user)
    user.window.run(CompareTwo(str(first), str(strange)))
    assert "no layer in common" in sentence(user)
    user.window.run(CompareTwo(str(first), f"elsewhere:{second}"))
    assert "different machines" in sentence(user)
    user.window.run(CompareTwo(str(first), str(second)))
    user.rests()
    assert user.compare.maps.layer == LAYER


def test_a_file_replaced_while_it_is_compared_is_said_and_compared_again(
    user: Comparer, tmp_path: Path
) -> None:
    first, second, a, _ = compare_story.write_pair(tmp_path)
    user.window.run(CompareTwo(str(first), str(second)))
    user.rests()
    save_file(a, tmp_path / "new")
    (tmp_path / "new").replace(second)
    user.compare.maps.show("head.weight")
    assert "changed on disk" in sentence(user)
    user.compare.act("compare.again")
    until(lambda: user.compare.found is not None, "the comparison of what is there now")
    user.rests()
    assert user.compare.verdict.headline.text() == "No weight of 3 layers differs."
