"""Two checkpoints over the pipe: numbers, the picture of what differs, from flip to flip."""

import zlib

import numpy as np
import pytest
from desk_alone import numbers, of
from timeline_oracle import random_series, rows, write

from sparse_core.messages import Failed, FileId, ScanOptions, Tile, TileKey
from sparse_core.messages.comparison import (
    Compared,
    CompareWanted,
    Difference,
    DifferenceTilesWanted,
    NextDifference,
)
from sparse_core.messages.timeline import TimelineOptions

OPTIONS = TimelineOptions(cache=False)
RULE = ScanOptions(rule="zeros", cache=False)
LAYER = "a.fc.weight"


@pytest.fixture
def pair(tmp_path):
    folder, masks = random_series(tmp_path / "run", 2)
    files = [FileId(str(folder / f"step-00{step}0.safetensors")) for step in (0, 1)]
    return files, [one[LAYER] for one in masks]


def test_two_checkpoints_side_by_side(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 2)
    paths = [str(folder / f"step-00{step}0.safetensors") for step in (0, 1)]
    replies = desk.ask(CompareWanted(FileId(paths[0]), FileId(paths[1]), OPTIONS))
    (found,) = of(replies, Compared)
    wanted = rows([0, 1], masks)
    assert found.names == ("a.fc.weight", "b.fc.weight", "")
    births, deaths = numbers(found.births), numbers(found.deaths)
    assert [tuple(pair) for pair in zip(births, deaths, strict=True)] == [
        wanted[1, name][2:] for name in found.names
    ]


@pytest.mark.parametrize("plane", ["flips", "born", "died"])
def test_what_differs_is_drawn_at_every_zoom(desk, pair, plane):
    files, (a, b) = pair
    wanted = {"flips": a ^ b, "born": b & ~a, "died": a & ~b}[plane]
    keys = (TileKey(0, 0, 0, 0), TileKey(2, 3, 0, 0))
    asked = DifferenceTilesWanted(1, *files, RULE, LAYER, plane, keys)
    fine, coarse = of(desk.ask(asked), Tile)
    cells = np.frombuffer(zlib.decompress(fine.data), np.uint8).reshape(9, 130)
    assert np.array_equal(cells, np.where(wanted, 255, 0))
    cells = np.frombuffer(zlib.decompress(coarse.data), np.uint8).reshape(3, 17)
    for (row, column), shade in np.ndenumerate(cells):
        share = 255 * wanted[4 * row : 4 * row + 4, 8 * column : 8 * column + 8].mean()
        assert abs(int(shade) - share) <= 0.5 or (shade == 1 and 0 < share < 1)


def test_one_goes_from_flip_to_flip_and_back(desk, pair):
    files, (a, b) = pair
    places = np.argwhere(a ^ b).tolist()

    def following(row: int, column: int, step: int) -> Difference:
        (found,) = desk.ask(NextDifference(1, *files, RULE, LAYER, row, column, step))
        return found

    at = (-1, 0)
    for number, place in enumerate(places[:70]):
        found = following(*at, 1)
        assert [found.row, found.column] == place
        assert (found.number, found.total) == (number, len(places))
        at = (found.row, found.column)
    back = following(*at, -1)
    assert [back.row, back.column] == places[68]
    last = following(*places[-1], 1)
    assert last.row == -1
    assert following(*places[0], -1).row == -1
    between = following(8, 130, -1)
    assert [between.row, between.column] == places[-1]


def test_a_file_replaced_while_it_is_compared_is_read_again(desk, pair, tmp_path):
    files, (a, _) = pair
    asked = NextDifference(1, files[0], files[1], RULE, LAYER, -1, 0, 1)
    (before,) = desk.ask(asked)
    assert before.total > 0
    write(tmp_path / "other", {LAYER: a}).replace(files[1].path)
    (after,) = desk.ask(asked)
    assert (after.row, after.total) == (-1, 0)


def test_layers_that_cannot_be_compared_are_named(desk, pair, tmp_path):
    files, (a, _) = pair
    path = write(tmp_path / "small.safetensors", {LAYER: a[:4]})
    last = desk.ask(NextDifference(1, files[0], FileId(str(path)), RULE, LAYER, -1, 0, 1))[-1]
    assert isinstance(last, Failed)
    assert "(9, 130) and (4, 130)" in last.sentence
    last = desk.ask(CompareWanted(files[0], FileId(str(path)), OPTIONS))[-1]
    assert isinstance(last, Failed)
    assert "no layer in common" in last.sentence
