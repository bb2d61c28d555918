"""Any series: which checkpoints belong to it, in which order, and what is said about it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from timeline_oracle import rows, told, write, write_series

from sparse_core import timeline
from sparse_core.analysis.timeline.reading import Following
from sparse_core.checkpoints.follow import Follower
from sparse_core.checkpoints.series import find_series
from sparse_core.checkpoints.steps import steps_of
from sparse_core.errors import CheckpointError, SparseError
from sparse_core.messages.timeline import SeriesId, TimelineOptions

RNG = np.random.default_rng(5)


def masks(count: int, shape=(4, 70)) -> list:
    return [{"fc.weight": RNG.random(shape) < 0.5} for _ in range(count)]


def steps(*sources, exclude=()) -> list[int]:
    return [one.step for one in find_series(sources, exclude).members]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["model.pth-1", "model.pth-20", "model.pth-120"], [1, 20, 120]),
        (["epoch_03.pt", "epoch_04.pt"], [3, 4]),
        (["checkpoint-500", "checkpoint-1000"], [500, 1000]),
        (["step-00000100.safetensors"], [100]),
        (["epoch=3-step=1200.ckpt", "epoch=4-step=1600.ckpt"], [1200, 1600]),
        (["r50_a.pt", "r50_b.pt"], [50, 50]),
        (["r50-1.pt", "r50-2.pt"], [1, 2]),
        (["run/checkpoint-5/model.safetensors"], [5]),
        (["best.pt", "last.pt"], [None, None]),
        (["v2_acc71.3.pt", "v3_acc71.9.pt"], [None, None]),
    ],
)
def test_steps_come_from_names(names, wanted):
    assert steps_of(names) == wanted


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_a_folder_of_another_tool_is_in_order_of_its_steps(tmp_path):
    names = [f"model.pth-{number}" for number in (1, 10, 100, 2, 120)]
    folder = touch(tmp_path, *names, "checkpoint", "train.log", "model-best.pth")
    series = find_series([folder])
    assert [one.step for one in series.members] == [1, 2, 10, 100, 120]
    assert "model-best.pth" in series.notes[0]


def test_checkpoint_folders_are_members_and_side_files_none(tmp_path):
    for step in (500, 1000, 1500):
        touch(tmp_path / f"checkpoint-{step}", "model.safetensors", "optimizer.pt", "rng_state.pth")
    touch(tmp_path, "model.safetensors", "training_args.bin")
    series = find_series([tmp_path])
    assert [one.path.name for one in series.members] == [
        "checkpoint-500",
        "checkpoint-1000",
        "checkpoint-1500",
    ]


def test_one_model_folder_is_one_checkpoint(tmp_path):
    touch(tmp_path, "model-00001-of-00002.safetensors", "model.safetensors.index.json")
    assert [one.path for one in find_series([tmp_path]).members] == [tmp_path]


def test_globs_lists_and_exclusions(tmp_path):
    folder = touch(tmp_path, *(f"epoch_{number:02}.pt" for number in range(12)), "other.pt")
    assert steps(f"{folder}/epoch_*.pt") == list(range(12))
    assert steps(f"{folder}/epoch_*.pt", exclude=["3", "epoch_1*"]) == [0, 1, 2, *range(4, 10)]
    listed = [folder / f"epoch_{number:02}.pt" for number in (10, 9, 2)]
    assert steps(*listed) == [2, 9, 10]
    given = [folder / "other.pt", folder / "epoch_01.pt"]
    series = find_series(given)
    assert [one.path for one in series.members] == given
    assert [one.step for one in series.members] == [0, 1]


def test_names_without_steps_are_in_natural_order(tmp_path):
    folder = touch(tmp_path, "b.pt", "a.pt", "c.pt")
    assert [one.name for one in find_series([folder]).members] == ["a.pt", "b.pt", "c.pt"]


def test_nothing_to_find_is_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        find_series([tmp_path])
    touch(tmp_path, "step-1.pt")
    with pytest.raises(CheckpointError, match="everything is excluded"):
        find_series([tmp_path], ["*"])


def test_doubled_and_missing_steps_are_said(tmp_path):
    touch(tmp_path, *(f"step-{step}.pt" for step in (10, 20, 30, 60, 70)), "step-20.safetensors")
    series = find_series([tmp_path])
    assert [one.step for one in series.members] == [10, 20, 30, 60, 70]
    text = " ".join(series.notes)
    assert "too" in text
    assert "step-20" in text
    assert "not between 30 and 60" in text


def test_a_corrupt_file_in_the_middle_is_said_and_skipped(tmp_path):
    found = masks(4)
    folder = write_series(tmp_path / "run", found)
    (folder / "step-0002.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    line = timeline(folder)
    assert line.steps == (0, 1, 3)
    assert told(line) == rows(line.steps, [found[0], found[1], found[3]])
    assert any("step-0002" in note and note.startswith("Skipped") for note in line.notes)


def test_one_checkpoint_has_no_changes(tmp_path):
    line = timeline(write_series(tmp_path / "run", masks(1)))
    assert list(line.changes()) == []
    assert line.froze_at() is None
    assert line.net_over_gross() is None


def test_nothing_readable_is_a_sentence(tmp_path):
    touch(tmp_path, "step-1.pt", "step-2.pt")
    with pytest.raises(SparseError, match=r"step-1\.pt"):
        timeline(tmp_path)


def test_layers_that_appear_vanish_or_change_shape_are_said(tmp_path):
    one, other = masks(1)[0]["fc.weight"], masks(1, (6, 70))[0]["fc.weight"]
    found = [
        {"a.fc.weight": one, "b.fc.weight": one, "c.fc.weight": one},
        {"a.fc.weight": ~one, "c.fc.weight": other, "d.fc.weight": one},
        {"a.fc.weight": one, "b.fc.weight": ~one, "c.fc.weight": ~other, "d.fc.weight": one},
    ]
    line = timeline(write_series(tmp_path / "run", found))
    assert told(line) == rows(line.steps, found)
    text = " ".join(line.notes)
    assert "d.fc.weight appears" in text
    assert "b.fc.weight vanishes" in text
    assert "c.fc.weight changes its shape" in text
    assert [one.name for one in line.layers].count("c.fc.weight") == 2


def test_architectures_without_a_common_layer_are_said(tmp_path):
    one = masks(1)[0]["fc.weight"]
    line = timeline(write_series(tmp_path / "run", [{"a.fc.weight": one}, {"b.fc.weight": one}]))
    assert told(line) == {(1, ""): (0, 0, 0, 0)}
    assert any("no layer in common" in note for note in line.notes)


def test_layers_of_no_size_are_followed(tmp_path):
    found = [
        {"a.fc.weight": np.zeros((0, 8), bool), "b.fc.weight": m["fc.weight"]} for m in masks(3)
    ]
    line = timeline(write_series(tmp_path / "run", found))
    assert told(line) == rows(line.steps, found)
    assert line.measures("a.fc.weight").flip_rate[1:].tolist() == [0, 0]
    assert timeline(tmp_path / "run", pattern="2:4").steps == line.steps


def test_the_cache_gives_the_same_and_follows_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = masks(3)
    folder = write_series(tmp_path / "run", found)
    first = timeline(folder)
    assert told(timeline(folder)) == told(first) == told(timeline(folder, cache=False))
    kept = sorted(
        path.suffix for path in (tmp_path / "cache" / "sparsescope" / "analysis").iterdir()
    )
    assert kept == [".masks"] * 3 + [".timeline"]
    changed = [*found[:2], masks(1)[0]]
    write(folder / "step-0002.safetensors", changed[2])
    assert told(timeline(folder)) == rows((0, 1, 2), changed)


@pytest.mark.parametrize("suffix", [".masks", ".timeline"])
def test_a_damaged_cache_is_no_cache(tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_series(tmp_path / "run", masks(2))
    wanted = told(timeline(folder))
    for path in (tmp_path / "cache" / "sparsescope" / "analysis").iterdir():
        if path.suffix == ".timeline" or suffix == ".masks":
            data = bytearray(path.read_bytes())
            data[-1 if path.suffix == ".masks" else 0] ^= 0x55
            path.write_bytes(data)
    assert told(timeline(folder)) == wanted


def test_a_folder_that_grows_is_followed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = masks(5)
    folder = write_series(tmp_path / "run", found[:2])
    following = Following(SeriesId((str(folder),)), TimelineOptions())
    line = following.poll()
    assert line is not None
    assert line.steps == (0, 1)
    assert following.poll() is None
    write(folder / "step-0002.safetensors", found[2])
    assert following.poll() is None  # seen once: it may still be written
    line = following.poll()
    assert line is not None
    assert told(line) == rows((0, 1, 2), found[:3])
    # A training keeps its last few: what is gone stays in the timeline.
    (folder / "step-0000.safetensors").unlink()
    assert following.poll() is None


def test_a_file_that_is_being_written_is_waited_for(tmp_path):
    found = masks(2)
    folder = write_series(tmp_path / "run", found[:1])
    follower = Follower([folder])
    assert len(follower.poll().members) == 1
    whole = write(tmp_path / "step-0001.safetensors", found[1]).read_bytes()
    growing = folder / "step-0001.safetensors"
    growing.write_bytes(whole[:100])
    for _ in range(2):
        series = follower.poll()
    assert len(series.members) == 1
    assert any("step-0001" in note for note in series.notes)
    growing.write_bytes(whole)
    follower.poll()
    assert len(follower.poll().members) == 2


def test_a_file_that_is_replaced_while_following_is_read_anew(tmp_path):
    found = masks(4)
    folder = write_series(tmp_path / "run", found[:3])
    following = Following(SeriesId((str(folder),)), TimelineOptions(cache=False))
    assert following.poll() is not None
    write(tmp_path / "new", found[3])
    (tmp_path / "new").replace(folder / "step-0001.safetensors")
    assert following.poll() is None
    line = following.poll()
    assert line is not None
    assert told(line) == rows((0, 1, 2), [found[0], found[3], found[2]])


def test_an_empty_folder_is_followed_until_something_comes(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    following = Following(SeriesId((str(folder),)))
    assert following.poll() is None
    source = write_series(tmp_path / "other", masks(1))
    shutil.copy(source / "step-0000.safetensors", folder)
    following.poll()
    line = following.poll()
    assert line is not None
    assert line.steps == (0,)
