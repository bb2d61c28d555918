"""Finding, understanding and repairing what is broken: both processes, real files, real keys."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import weights_story
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from safetensors.numpy import load_file, save_file
from weights_story import User, until

import resources
import sparse_core

pytestmark = [pytest.mark.gui, pytest.mark.slow]
BLOCKS = ((0, 8), (31, 60), (31, 64), (63, 252))
"""Row and first column of the broken groups of each layer."""


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[User]:
    user = weights_story.start(qapp, tmp_path / "settings.json")
    yield user
    user.window.close()
    user.window.deleteLater()


@pytest.fixture
def network(tmp_path: Path) -> dict[str, np.ndarray]:
    """Two layers of 2:4 with four broken groups each, and one that is whole."""
    random = np.random.default_rng(3)
    network = {}
    for name in ("blocks.0.up_proj.weight", "blocks.1.up_proj.weight", "blocks.2.up_proj.weight"):
        weight = random.standard_normal((64, 256)).astype(np.float32)
        groups = weight.reshape(-1, 4)
        drop = np.argsort(random.random(groups.shape), axis=1)[:, :2]
        np.put_along_axis(groups, drop, 0, axis=1)
        network[name] = weight
    for name in list(network)[:2]:
        for row, column in BLOCKS:
            network[name][row, column : column + 4] = random.standard_normal(4)
            network[name][row, column + 1] = 0
    save_file(network, tmp_path / "model.safetensors")
    return network


def press(user: User, key: Qt.Key, shift: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    before = user.page.finding.stop
    QTest.keyClick(user.window, key, modifier)
    until(lambda: user.page.finding.stop not in (None, before), "the next broken group")
    user.settled()


def bad_places(network: dict[str, np.ndarray]) -> list[tuple[str, int, int]]:
    return [
        (name, int(row), 4 * int(group))
        for name, weight in network.items()
        for row, group in np.argwhere((weight.reshape(64, -1, 4) != 0).sum(axis=2) > 2)
    ]


def test_every_violation_is_walked_and_its_loupe_is_right(
    user: User, network: dict[str, np.ndarray], tmp_path: Path
) -> None:
    weights_story.drop(user.window, tmp_path / "model.safetensors")
    user.settled()
    expected = bad_places(network)
    assert len(expected) == 2 * len(BLOCKS)
    for number, (name, row, column) in enumerate(expected, start=1):
        press(user, Qt.Key.Key_F8)
        assert user.page.problems.counter.text() == f"{number} of {len(expected)}"
        assert user.shown["tensor"] == name
        until(lambda: user.page.loupe.loupe is not None, "the loupe")
        loupe = user.page.loupe.loupe
        assert loupe is not None
        values = network[name][row, column : column + 4]
        order = sorted(range(4), key=lambda at: (-abs(values[at]), at))
        assert loupe.values == tuple(values.tolist())
        assert loupe.kept == tuple((values != 0).tolist())
        assert [loupe.ranks[at] for at in order] == [1, 2, 3, 4]
        assert loupe.correct == tuple(at in order[:2] for at in range(4))
        second, third = abs(values[order[1]]), abs(values[order[2]])
        assert loupe.margin == pytest.approx((second - third) / second, rel=1e-6)
        assert loupe.place == f"{name.removesuffix('.weight')}[{row}, {column}:{column + 4}]"
        at = user.page.canvas.position_of(row, column)
        assert at is not None
        assert user.page.canvas.rect().contains(at.toPoint())
    press(user, Qt.Key.Key_F8)
    assert user.page.problems.counter.text() == "1 of 8"
    press(user, Qt.Key.Key_F8, shift=True)
    assert user.page.problems.counter.text() == "8 of 8"
    press(user, Qt.Key.Key_Period)
    assert user.page.problems.counter.text() == "5 of 8"
    press(user, Qt.Key.Key_Comma)
    assert user.page.problems.counter.text() == "8 of 8"


def test_the_demo_tells_its_story_and_its_repair_is_valid(user: User, tmp_path: Path) -> None:
    """Every number of the sentences is counted again by plain numpy."""
    user.window.open_path(str(resources.demo()))
    user.settled()
    page, status = user.page, user.window.status
    until(lambda: "of the layers' norm" in page.verdict.conditions.text(), "the preview")
    changes, before, squares = 0, 0.0, 0.0
    for name in ("fc1.weight", "fc2.weight", "fc3.weight"):
        with sparse_core.open(resources.demo()) as checkpoint:
            raw = np.array(checkpoint.read(name)).astype("<u4") << 16
        groups = raw.view("<f4").astype(np.float64).reshape(-1, 4)
        order = np.argsort(abs(groups), axis=1, kind="stable")
        goes = np.zeros(groups.shape, bool)
        np.put_along_axis(goes, order[:, :2], True, axis=1)
        goes &= groups != 0
        changes += int(goes.sum())
        before += float((groups**2).sum())
        squares += float((groups[goes] ** 2).sum())
    share = f"{100 * np.sqrt(squares / before):.1f} %"
    said = f"A repair would change {changes} weights, {share} of the layers' norm"
    assert said in page.verdict.conditions.text()
    assert status.hint.text() == "F8: first broken group."
    press(user, Qt.Key.Key_F8)
    assert status.hint.text() == "Density hides it: press 1."
    QTest.keyClick(user.window, Qt.Key.Key_1)
    user.settled()
    assert "press 2" in status.hint.text()
    QTest.keyClick(user.window, Qt.Key.Key_2)
    user.settled()
    assert "repaired copy" in status.hint.text()
    out = tmp_path / "repaired.safetensors"
    page.acts.repairing.write(str(out))
    until(out.exists, "the copy")
    until(lambda: bool(user.window.problems.problems), "a notice")
    assert str(out) in user.window.problems.sentence.text()
    verdict = sparse_core.scan(out, cache=False).verdict
    assert (verdict.broken, verdict.sparse) == (0, 3)
    page.acts.repairing.write(str(out))
    until(lambda: "exists already" in user.window.problems.sentence.text(), "a refusal")
    status.skip.click()
    assert status.hint.isHidden()
    assert not user.window.preferences.settings.hints


def test_the_filter_of_the_window_is_that_of_the_command_line(
    user: User, network: dict[str, np.ndarray], tmp_path: Path
) -> None:
    file = tmp_path / "model.safetensors"
    weights_story.drop(user.window, file)
    user.settled()
    page = user.page
    page.layers.filter.setText("bad>0 layer:1-2")
    until(lambda: page.layers.shown.text() == "1 of 3", "one layer")
    user.window.commands["copy.command"].trigger()
    assert QGuiApplication.clipboard().text().endswith("'--where=bad>0 layer:1-2'")
    user.window.commands["copy.python"].trigger()
    names: dict[str, object] = {}
    exec(QGuiApplication.clipboard().text(), names)
    assert (names["weight"] == load_file(file)[page.tensor]).all()
    page.acts.save_table(str(tmp_path / "table.csv"))
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["name", "blocks.1.up_proj.weight"]
    page.acts.save_map(str(tmp_path / "map.png"))
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"
