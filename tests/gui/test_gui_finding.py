"""Broken groups on the weights page: the walk, the list, the loupe."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from scripted_core import ScriptedCore, small_network

from inspector.main_window import MainWindow
from inspector.models.broken_layers import BrokenLayers
from inspector.models.layer_table import LayerTable
from inspector.models.problem_tree import ProblemTree
from inspector.pages.weights import WeightsPage
from inspector.views.tile_canvas.overlay import Block
from sparse_core.messages import Violations, ViolationsWanted

pytestmark = pytest.mark.gui
Open = Callable[..., MainWindow]
BROKEN = "/models/broken.safetensors"


@pytest.fixture
def page(opened: Open, core: ScriptedCore) -> WeightsPage:
    """Two broken layers: three groups in the first, two in the second."""
    network = small_network()
    network["fc1.weight"][9, 16:20] = (1, 2, 3, 4)
    network["fc1.weight"][2, 0:4] = (1, 2, 3, 0)
    network["fc2.weight"][0, 0:4] = (0, 2, 3, 4)
    network["fc2.weight"][7, 12:16] = (1, 2, 3, 4)
    core.files[BROKEN] = network
    page = opened(BROKEN).page
    assert page is not None
    return page


def stops(page: WeightsPage, qtbot: QtBot, step: int, count: int, **how: bool) -> list[tuple]:
    seen = []
    for _ in range(count):
        with qtbot.waitSignal(page.finding.arrived) as arrived:
            page.finding.walk.go(step, **how)
        qtbot.waitUntil(lambda: page.settled)
        stop = arrived.args[0]
        seen.append((stop.text, stop.tensor, stop.row, stop.column))
    return seen


def test_the_walk_goes_through_all_layers_and_round(page: WeightsPage, qtbot: QtBot) -> None:
    all_five = [
        ("1 of 5", "fc1.weight", 2, 0),
        ("2 of 5", "fc1.weight", 5, 8),
        ("3 of 5", "fc1.weight", 9, 16),
        ("4 of 5", "fc2.weight", 0, 0),
        ("5 of 5", "fc2.weight", 7, 12),
    ]
    assert stops(page, qtbot, 1, 6) == [*all_five, all_five[0]]
    assert stops(page, qtbot, -1, 2) == [all_five[4], all_five[3]]
    assert page.problems.counter.text() == "4 of 5"
    assert page.shown()["tensor"] == "fc2.weight"


def test_within_a_layer_the_walk_stays_there(page: WeightsPage, qtbot: QtBot) -> None:
    texts = [stop[0] for stop in stops(page, qtbot, 1, 4, within=True)]
    assert texts == ["1 of 5", "2 of 5", "3 of 5", "1 of 5"]
    assert [stop[0] for stop in stops(page, qtbot, -1, 2, within=True)] == ["3 of 5", "2 of 5"]


def test_from_a_whole_layer_the_walk_goes_to_the_next_broken_one(
    page: WeightsPage, qtbot: QtBot
) -> None:
    page.tensor_chosen.emit("fc1.bias")
    qtbot.waitUntil(lambda: page.settled)
    assert stops(page, qtbot, 1, 1) == [("4 of 5", "fc2.weight", 0, 0)]
    page.tensor_chosen.emit("fc1.bias")
    qtbot.waitUntil(lambda: page.settled)
    assert stops(page, qtbot, -1, 1) == [("3 of 5", "fc1.weight", 9, 16)]


def test_a_stop_is_framed_and_under_the_loupe(page: WeightsPage, qtbot: QtBot) -> None:
    stops(page, qtbot, 1, 4)
    assert page.canvas._chosen == Block(0, 0, 1, 4)
    place = page.canvas.position_of(0, 0)
    assert place is not None
    assert page.canvas.rect().contains(place.toPoint())
    loupe = page.loupe.loupe
    assert loupe is not None
    assert loupe.place == "fc2[0, 0:4]"
    assert loupe.values == (0, 2, 3, 4)
    assert page.group_panel.beside.whole == "fc2[0, 0:4]"
    QTest.keyClick(page.canvas, Qt.Key.Key_Escape)
    assert page.canvas._chosen is None
    assert page.canvas.view is not None
    assert page.canvas.view.whole


def test_the_list_is_grouped_by_layer_and_leads_to_its_groups(
    page: WeightsPage, qtbot: QtBot
) -> None:
    model, tree = page.problems.tree.model(), page.problems.tree
    assert [model.index(row, 0).data() for row in range(2)] == ["fc1.weight", "fc2.weight"]
    assert page.problems.beside.whole == "5 broken groups in 2 layers"
    layer = model.index(0, 0)
    second = model.index(1, 0, layer)
    qtbot.waitUntil(lambda: second.data() == "[5, 8:12]")
    assert second.siblingAtColumn(1).data() == "3 kept of 4"
    tree.scrollTo(second)
    QTest.mouseClick(
        tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualRect(second).center()
    )
    qtbot.waitUntil(lambda: page.problems.counter.text() == "2 of 5")
    qtbot.waitUntil(lambda: page.loupe.loupe is not None)
    assert page.loupe.loupe.place == "fc1[5, 8:12]"


def test_a_tail_is_said_in_the_loupe_and_is_no_problem(
    opened: Open, core: ScriptedCore, qtbot: QtBot
) -> None:
    core.files["/models/tail.pt"] = {"fc.weight": np.ones((3, 6), np.float32)}
    window = opened("/models/tail.pt")
    assert window.page is not None
    window.page.look_at(0, 5)
    qtbot.waitUntil(lambda: "tail" in window.page.loupe.remark.text())
    assert window.page.loupe.loupe is None
    assert window.problems.problems == ()
    assert window.page.problems.isHidden()


def test_unsteady_groups_are_listed_and_left_again(page: WeightsPage, qtbot: QtBot) -> None:
    page.finding.list_unsteady()
    qtbot.waitUntil(lambda: page.problems.title.text() == "Unsteady groups")
    said = page.problems.beside.whole
    assert said == "1 % noise could flip 7 groups of fc1.weight; the closest 2"
    page.finding.list_broken()
    assert page.problems.title.text() == "Problems"
    assert page.problems.beside.whole == "5 broken groups in 2 layers"


# ---------------------------------------------------------------- models


def page_of(first: int, count: int) -> Violations:
    places = tuple(f"[{first + at}, 0:4]" for at in range(count))
    rows = np.arange(first, first + count, dtype="<i8").tobytes()
    return Violations(0, "w", first, 1000, rows, bytes(8 * count), bytes(4 * count), places, places)


def test_rows_of_the_list_are_asked_for_when_they_are_seen(qtbot: QtBot) -> None:
    tree = ProblemTree()
    tree.set_layers([("w", 1000, "1,000 of 4,000 groups")])
    wanted: list[tuple] = []
    tree.page_wanted.connect(lambda *page: wanted.append(page))
    layer = tree.index(0, 0)
    assert tree.rowCount(layer) == 1000
    assert wanted == []
    assert tree.index(450, 0, layer).data() == "…"
    assert tree.index(451, 0, layer).data() == "…"
    assert wanted == [("w", 400)]
    assert tree.position_of(tree.index(450, 0, layer)) is None
    tree.add_page(page_of(400, 200))
    assert tree.index(450, 0, layer).data() == "[450, 0:4]"
    assert tree.position_of(tree.index(450, 0, layer)) == ("w", 450, 450, 0)
    assert wanted == [("w", 400)]


def test_numbers_count_through_the_layers() -> None:
    table = LayerTable()
    broken = BrokenLayers(table)
    assert (broken.total, broken.names) == (0, ())
    table.names = ["a", "b", "c", "d"]
    table.classes = ["broken", "sparse", "broken", "dense"]
    table.bad_groups = np.array([3, 0, 5, -1])
    broken = BrokenLayers(table)
    assert (broken.names, broken.counts, broken.total) == (("a", "c"), (3, 5), 8)
    assert (broken.number("a", 0), broken.number("c", 4)) == (1, 8)
    assert [broken.beside(row, 1) for row in (0, 1, 2, 3)] == ["c", "c", "a", "a"]
    assert [broken.beside(row, -1) for row in (0, 1, 2, 3)] == ["c", "a", "a", "c"]


def test_a_large_list_asks_for_one_page(page: WeightsPage, core: ScriptedCore) -> None:
    assert core.count_of(ViolationsWanted) <= 2
