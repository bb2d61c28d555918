"""The weights page from outside: both processes, real files, mouse and keyboard.

Offscreen in this process, once more on a real X11 server, and as pictures without a display.
"""

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import weights_story
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from screens import ROOT, environment
from weights_story import User

import resources
from inspector.page_names import PAGES

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[User]:
    user = weights_story.start(qapp, tmp_path / "settings.json")
    yield user
    user.window.close()
    assert user.link.pid == 0
    user.window.deleteLater()


def test_the_story_of_the_page(user: User, tmp_path: Path) -> None:
    weights_story.play(user, tmp_path)


def test_the_story_on_a_real_screen(screen: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "whole" / "weights_story.py")],
        env=environment(DISPLAY=screen, QT_QPA_PLATFORM="xcb", TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    assert played.stdout.strip() == "played on xcb"


@pytest.mark.parametrize("package", ["silero_vad/data/silero_vad_16k.safetensors",
                                     "attacut/artifacts/attacut-c/model.pth"])  # fmt: skip
def test_real_files_are_shown_with_their_values(
    user: User, real_inputs: Path, package: str
) -> None:
    path = real_inputs / package
    weights_story.drop(user.window, path)
    user.settled()
    feed = user.window.feed
    assert feed is not None
    import torch
    from safetensors.torch import load_file

    safe = path.suffix == ".safetensors"
    state = load_file(path) if safe else torch.load(path, map_location="cpu")
    tensors = {name: tensor.numpy() for name, tensor in state.items()}
    assert set(feed.table.names) == set(tensors)
    for name, zeros in zip(feed.table.names, feed.table.zeros.tolist(), strict=True):
        assert zeros == (tensors[name] == 0).sum(), name
    shown = user.shown["tensor"]
    user.page.look_at(0, 0)
    weights_story.until(lambda: user.shown["cursor"] is not None, "a value")
    assert user.shown["cursor"]["value"] == tensors[shown].flat[0]


# ---------------------------------------------------------------- pictures


def pictures(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words, "--pictures", str(folder)],
        env=environment(),
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def bfloat16(path: Path, name: str) -> np.ndarray:
    """Read a bf16 tensor of a safetensors file by hand."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    entry = json.loads(content[8 : 8 + length])[name]
    first, last = (8 + length + offset for offset in entry["data_offsets"])
    bits = np.frombuffer(content[first:last], "<u2").astype("<u4") << 16
    return bits.view("<f4").reshape(entry["shape"])


def test_pictures_of_the_demo_in_both_themes(tmp_path: Path) -> None:
    drawn = pictures(tmp_path / "out", str(resources.demo()), "--at", "117,332", "--zoom", "16")
    assert drawn.returncode == 0, drawn.stderr
    names = sorted(entry.name for entry in (tmp_path / "out").iterdir())
    drawn_pages = {f"{page}-{theme}.png" for page in PAGES for theme in ("dark", "light")}
    assert set(names) == {"shown.json", *drawn_pages}
    dark, light = (QImage(str(tmp_path / f"out/weights-{name}.png")) for name in ("dark", "light"))
    for image in (dark, light):
        assert (image.width(), image.height()) == (1440, 900)
    assert dark.pixelColor(3, 500).lightness() < 64 < 192 < light.pixelColor(3, 500).lightness()
    shown = json.loads((tmp_path / "out" / "shown.json").read_text())
    value = bfloat16(resources.demo(), shown["tensor"])[117, 332]
    assert shown["cursor"]["value"] == value
    assert shown["badge"].startswith("16×16 px = 1 weight")
    assert shown["counters"]["scanned"] == shown["counters"]["tensors"]
    assert shown["verdict"]


def test_the_same_input_gives_the_same_pictures(tmp_path: Path) -> None:
    words = (str(resources.demo("last")), "--tensor", "fc2.weight", "--plane", "magnitude")
    for folder in ("one", "two"):
        assert pictures(tmp_path / folder, *words).returncode == 0
    shown = json.loads((tmp_path / "one" / "shown.json").read_text())
    assert (shown["tensor"], shown["plane"]) == ("fc2.weight", "magnitude")
    # The status line says how long it took; all above it is the same.
    images = [QImage(str(tmp_path / folder / "weights-dark.png")) for folder in ("one", "two")]
    above = [image.copy(0, 0, 1440, 850) for image in images]
    assert above[0] == above[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.safetensors"], "missing.safetensors"),
        ([str(resources.demo()), "--tensor", "no.such"], "no.such"),
        ([str(resources.demo()), "--at", "1,999999"], "999999"),
        ([str(resources.demo()), "--at", "here"], "here"),
        ([str(resources.demo()), "--plane", "colour"], "colour"),
        ([], "PATH"),
    ],
)
def test_bad_wishes_are_one_line_and_status_2(tmp_path: Path, words: list[str], said: str) -> None:
    refused = pictures(tmp_path / "out", *words)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert said in refused.stderr
    assert refused.stdout == ""
