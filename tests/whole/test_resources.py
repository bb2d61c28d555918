"""What the program carries: icons that Qt draws, fonts it knows, a demo that breaks as told."""

import numpy as np
import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QFontDatabase
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot
from safetensors import deserialize

import resources
from resources import DemoName, IconName

SPARSE = {"fc1.weight": 784, "fc2.weight": 256, "fc3.weight": 256}


def broken_groups(name: DemoName) -> dict[str, int]:
    """Groups of four bfloat16 along the inputs that keep more than two, by plain numpy."""
    tensors = dict(deserialize(resources.demo(name).read_bytes()))
    broken = {}
    for layer in SPARSE:
        bits = np.frombuffer(tensors[layer]["data"], dtype=np.uint16)
        kept = (bits.reshape(-1, 4) & 0x7FFF) != 0
        broken[layer] = int((kept.sum(axis=1) > 2).sum())
    return broken


def test_the_averaged_demo_breaks_its_pattern_in_every_sparse_layer() -> None:
    broken = broken_groups("averaged")
    groups = {name: 256 * columns // 4 for name, columns in SPARSE.items()}
    assert all(0 < broken[name] < 0.05 * groups[name] for name in SPARSE)


def test_the_last_demo_holds_its_pattern() -> None:
    assert broken_groups("last") == dict.fromkeys(SPARSE, 0)


def test_the_demo_stays_small() -> None:
    assert sum(resources.demo(name).stat().st_size for name in ("averaged", "last")) < 4_000_000


@pytest.mark.parametrize(
    "name", ["sparsescope", "weights", "timeline", "training", "speed", "compare"]
)
def test_icons_are_valid_and_take_the_colour(qtbot: QtBot, name: IconName) -> None:
    svg = resources.icon(name, "#123456")
    assert QSvgRenderer(QByteArray(svg)).isValid()
    assert b"currentColor" not in svg
    assert (b"#123456" in svg) is (name != "sparsescope")


def test_fonts_are_the_families_that_the_window_names(qtbot: QtBot) -> None:
    families = set()
    for font in resources.fonts():
        number = QFontDatabase.addApplicationFontFromData(QByteArray(font))
        families.update(QFontDatabase.applicationFontFamilies(number))
    assert families == {resources.SANS, resources.MONOSPACE}
    assert len(resources.fonts()) == 4
    assert sum(map(len, resources.fonts())) < 1_500_000
