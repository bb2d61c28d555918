"""Series over the pipe: columns and pictures of flips, in one process."""

import zlib

import numpy as np
from desk_alone import numbers, of
from timeline_oracle import random_series, rows, write, write_series

from sparse_core.messages import TILE, Done, Failed, TileKey
from sparse_core.messages.timeline import (
    BundleWanted,
    ChangesWanted,
    Curve,
    OscillatorsWanted,
    SeriesId,
    SeriesTile,
    SeriesTilesWanted,
    TimelineOptions,
    TimelinePoints,
    TimelineRows,
    TimelineWanted,
    WeightWanted,
)

OPTIONS = TimelineOptions(cache=False)


def test_a_timeline_crosses_as_columns(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run")
    replies = desk.ask(TimelineWanted(SeriesId((str(folder),)), OPTIONS))
    assert isinstance(replies[-1], Done)
    (points,) = of(replies, TimelinePoints)
    steps = numbers(points.steps).tolist()
    assert steps == [0, 10, 20, 30, 40]
    assert points.layers == 2
    assert "sparse_core.timeline" in points.python
    wanted = rows(steps, masks)
    (found,) = of(replies, TimelineRows)
    sad = numbers(found.sad).reshape(2, 5)
    for place, name in enumerate(found.names):
        assert sad[place].tolist() == [-1, *(wanted[step, name][1] for step in steps[1:])]
    assert numbers(found.entries).tolist() == [9 * 130, 32]
    assert numbers(found.froze_at).tolist() == [-1, -1]


def test_a_run_brings_its_curves(desk, ste_run):
    replies = desk.ask(TimelineWanted(SeriesId((str(ste_run),)), OPTIONS))
    curves = {curve.name: curve for curve in of(replies, Curve)}
    assert {"loss", "lr", "valid metric"} <= set(curves)
    loss = curves["loss"]
    assert numbers(loss.steps).size == numbers(loss.values, "<f8").size > 10


def test_flips_at_every_zoom_are_the_share_of_all_weights(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run")
    flips = masks[1]["a.fc.weight"] ^ masks[3]["a.fc.weight"]
    keys = (TileKey(0, 0, 0, 0), TileKey(2, 3, 0, 0), TileKey(4, 8, 0, 0))
    wanted = SeriesTilesWanted(
        1, SeriesId((str(folder),)), OPTIONS, "a.fc.weight", "flips", 1, 3, keys
    )
    tiles = of(desk.ask(wanted), SeriesTile)
    assert [tile.key for tile in tiles] == list(keys)
    for tile in tiles:
        cells = np.frombuffer(zlib.decompress(tile.data), np.uint8)
        height, width = 1 << tile.key.row_level, 1 << tile.key.column_level
        for cell, shade in np.ndenumerate(cells.reshape(tile.height, tile.width)):
            part = flips[
                cell[0] * height : (cell[0] + 1) * height, cell[1] * width : (cell[1] + 1) * width
            ]
            share = 255 * part.mean()
            assert abs(int(shade) - share) <= 0.5 or (shade == 1 and 0 < share < 1)


def test_one_flip_among_many_weights_is_seen(desk, tmp_path):
    one = np.zeros((64, 4096), bool)
    other = one.copy()
    other[33, 77] = True
    folder = write_series(tmp_path / "run", [{"fc.weight": one}, {"fc.weight": other}])
    key = TileKey(6, 12, 0, 0)
    for plane in ("flips", "last change"):
        wanted = SeriesTilesWanted(
            1, SeriesId((str(folder),)), OPTIONS, "fc.weight", plane, 0, 1, (key,)
        )
        (tile,) = of(desk.ask(wanted), SeriesTile)
        assert np.frombuffer(zlib.decompress(tile.data), np.uint8).tolist() == [1]


def test_the_last_change_is_the_latest_of_a_cell(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 6)
    last = np.zeros((9, 130), int)
    for at in range(1, 6):
        last[masks[at]["a.fc.weight"] ^ masks[at - 1]["a.fc.weight"]] = at
    shades = np.where(last > 0, 1 + np.rint(254 * (last - 1) / 4), 0)
    wanted = SeriesTilesWanted(
        1,
        SeriesId((str(folder),)),
        OPTIONS,
        "a.fc.weight",
        "last change",
        0,
        5,
        (TileKey(0, 0, 0, 0), TileKey(1, 1, 0, 0)),
    )
    fine, coarse = of(desk.ask(wanted), SeriesTile)
    cells = np.frombuffer(zlib.decompress(fine.data), np.uint8).reshape(9, 130)
    assert TILE > 130
    assert (np.abs(cells - shades) <= 1).all()
    assert ((cells == 0) == (last == 0)).all()
    pooled = np.frombuffer(zlib.decompress(coarse.data), np.uint8).reshape(5, 65)
    for (row, column), shade in np.ndenumerate(pooled):
        assert shade == cells[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].max()


def test_oscillators_open_where_they_flip(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 8)
    layers = [one["a.fc.weight"] for one in masks]
    flips = sum((layers[at] ^ layers[at - 1]).astype(int) for at in range(1, 8))
    (found,) = desk.ask(
        OscillatorsWanted(1, SeriesId((str(folder),)), OPTIONS, "a.fc.weight", count=7)
    )
    counts = numbers(found.flips)
    assert counts.tolist() == sorted(flips.reshape(-1).tolist(), reverse=True)[:7]
    assert (flips[numbers(found.rows), numbers(found.columns)] == counts).all()


def test_a_range_of_steps_has_its_own_last_changes_and_oscillators(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 8)
    series = SeriesId((str(folder),))
    layers = [one["a.fc.weight"] for one in masks]
    moved = [layers[at] ^ layers[at - 1] for at in range(3, 6)]
    wanted = OscillatorsWanted(1, series, OPTIONS, "a.fc.weight", 5, before=2, after=5)
    (found,) = desk.ask(wanted)
    flips = sum(one.astype(int) for one in moved)
    assert numbers(found.flips).tolist() == sorted(flips.reshape(-1).tolist(), reverse=True)[:5]
    key = TileKey(0, 0, 0, 0)
    picture = SeriesTilesWanted(1, series, OPTIONS, "a.fc.weight", "last change", 2, 5, (key,))
    (tile,) = of(desk.ask(picture), SeriesTile)
    cells = np.frombuffer(zlib.decompress(tile.data), np.uint8).reshape(9, 130)
    last = sum(np.where(one, at, 0) * ~np.any(moved[at:], 0) for at, one in enumerate(moved, 1))
    assert np.array_equal(cells, np.array([0, 1, 128, 255])[last])


def test_a_weight_says_when_it_flipped(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 6)
    series = SeriesId((str(folder),))
    bits = [bool(one["a.fc.weight"][5, 97]) for one in masks]
    (found,) = desk.ask(WeightWanted(1, series, OPTIONS, "a.fc.weight", 5, 97))
    assert found.index == (5, 97)
    assert found.kept == bits[-1]
    steps = [10 * at for at in range(1, 6) if bits[at] != bits[at - 1]]
    assert numbers(found.flips).tolist() == steps
    (failed,) = desk.ask(WeightWanted(1, series, OPTIONS, "a.fc.weight", 5, 130))
    assert "no weight in row 5, column 130" in failed.sentence


def test_two_points_are_compared_in_every_layer(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 6)
    wanted = ChangesWanted(1, SeriesId((str(folder),)), OPTIONS, 4, 1)
    (found,) = desk.ask(wanted)
    for row, name in enumerate(("a.fc.weight", "b.fc.weight")):
        before, after = masks[4][name], masks[1][name]
        assert numbers(found.births)[row] == np.sum(after & ~before)
        assert numbers(found.deaths)[row] == np.sum(before & ~after)


def test_a_folder_that_grows_is_asked_again_and_again(desk, tmp_path):
    folder, masks = random_series(tmp_path / "run", 3)
    wanted = TimelineWanted(SeriesId((str(folder),)), OPTIONS, follow=True)
    assert of(desk.ask(wanted), TimelinePoints)
    assert [type(reply) for reply in desk.ask(wanted)] == [Done]
    write(folder / "step-0030.safetensors", masks[0])
    desk.ask(wanted)
    (points,) = of(desk.ask(wanted), TimelinePoints)
    assert numbers(points.steps).tolist() == [0, 10, 20, 30]


def test_a_bundle_is_written_where_the_core_is(desk, tmp_path):
    folder, _ = random_series(tmp_path / "run", 2)
    (written,) = desk.ask(
        BundleWanted((SeriesId((str(folder),)),), OPTIONS, str(tmp_path / "figures"))
    )
    assert (tmp_path / "figures" / "timeline.csv").exists()
    assert str(tmp_path / "figures" / "timeline.py") in written.paths


def test_what_cannot_be_answered_is_a_sentence(desk, tmp_path):
    folder, _ = random_series(tmp_path / "run", 2)
    series = SeriesId((str(folder),))
    for body, part in (
        (TimelineWanted(SeriesId((str(tmp_path / "nowhere"),)), OPTIONS), "nowhere"),
        (OscillatorsWanted(1, series, OPTIONS, "x.weight"), "no layer x.weight"),
        (
            SeriesTilesWanted(
                1, series, OPTIONS, "a.fc.weight", "flips", 0, 7, (TileKey(0, 0, 0, 0),)
            ),
            "2 points",
        ),
    ):
        last = desk.ask(body)[-1]
        assert isinstance(last, Failed)
        assert part in last.sentence
