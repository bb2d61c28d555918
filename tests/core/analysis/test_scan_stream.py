"""The scan as it goes: order, cancel, progress, threads, bad tensors, changed files, the cache."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparse_core
from sparse_core.analysis import cache
from sparse_core.analysis.agenda import Agenda
from sparse_core.analysis.measure import BLOCK_BYTES, blocks, mask_of
from sparse_core.analysis.scan import ScanStream, iter_scan, scan, scan_tensor
from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.errors import Cancelled, ChangedError, CheckpointError
from sparse_core.masks import layout_of, unpack
from sparse_core.messages import LayerReport, Progress, ScanOptions

Write = Callable[..., Path]
FRESH = ScanOptions(cache=False)


def many(count: int = 6, side: int = 32) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {
        f"layers.{i}.fc.weight": rng.standard_normal((side, side)).astype(np.float32)
        for i in range(count)
    }


def test_the_agenda_does_first_what_is_looked_at() -> None:
    agenda = Agenda("abcdef", first="d")
    assert agenda.take() == "d"
    assert agenda.take() == "a"
    agenda.promote(("f", "a", "e"))
    agenda.promote(("c",))
    assert len(agenda) == 4
    assert [agenda.take() for _ in range(5)] == ["c", "f", "e", "b", None]


def test_rows_come_in_the_order_that_is_asked_for_while_it_runs(write: Write) -> None:
    with open_checkpoint(write(many())) as checkpoint:
        agenda = Agenda(checkpoint.tensors, first=["layers.4.fc.weight"])
        seen = []
        for report in iter_scan(checkpoint, FRESH, order=agenda):
            seen.append(report.name.split(".")[1])
            if len(seen) == 2:
                agenda.promote(["layers.5.fc.weight"])
        assert seen == ["4", "0", "5", "1", "2", "3"]


def test_the_result_is_in_the_order_of_the_listing(write: Write) -> None:
    with open_checkpoint(write(many(12))) as checkpoint:
        agenda = Agenda(checkpoint.tensors, first=["layers.11.fc.weight"])
        result = scan(checkpoint, FRESH, order=agenda)
        names = [one.name for one in result.layers]
        assert names == [f"layers.{i}.fc.weight" for i in range(12)]
        assert result.read_bytes == 12 * 32 * 32 * 4


def test_threads_find_the_same(write: Write) -> None:
    with open_checkpoint(write(many(20))) as checkpoint:
        alone = ScanStream(checkpoint, FRESH).run().result(0.0)
        together = ScanStream(checkpoint, FRESH, threads=3).run().result(0.0)
        assert alone == together


def test_cancel_ends_the_scan_between_blocks(write: Write) -> None:
    big = np.ones((2048, 2048), np.float32)
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) == 3

    with open_checkpoint(write({"a.weight": big})) as checkpoint:
        with pytest.raises(Cancelled):
            scan(checkpoint, FRESH, cancelled=cancelled)
        assert len(asked) == 3


def test_progress_counts_bytes_and_ends_at_the_whole(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparse_core.analysis.meter.INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr("sparse_core.analysis.meter.WARM_UP_SECONDS", 0.0)
    told: list[Progress] = []
    with open_checkpoint(write(many())) as checkpoint:
        scan(checkpoint, FRESH, progress=told.append)
    done = [one.done for one in told]
    assert done == sorted(done)
    assert (told[-1].done, told[-1].total, told[-1].seconds_left) == (6 * 4096, 6 * 4096, 0.0)
    assert told[1].doing == "layers.1.fc.weight"
    assert told[1].seconds_left is not None


@pytest.mark.parametrize(
    ("shape", "itemsize"),
    [
        ((3, 5), 4),
        ((1 << 12, 1 << 11), 4),
        ((3_000_001,), 2),
        ((2, 1_500_001), 1),
        ((0, 4), 4),
        ((), 4),
    ],
)
def test_blocks_cover_every_element_once(shape: tuple[int, ...], itemsize: int) -> None:
    layout = layout_of(shape, "linear")
    cut = list(blocks(layout, itemsize))
    assert [one.start for one in cut[1:]] == [one.stop for one in cut[:-1]]
    assert sum(one.stop - one.start for one in cut) == layout.elements
    assert all((one.stop - one.start) * itemsize <= max(BLOCK_BYTES, 64) for one in cut)
    assert all(one.rows * one.columns == one.stop - one.start for one in cut)


def test_long_rows_are_packed_piece_by_piece(write: Write) -> None:
    values = np.ones((2, 1_200_003), np.float32)
    values[:, ::7] = 0
    values[1, -1] = 0
    with open_checkpoint(write({"a.weight": values})) as checkpoint:
        report, mask = scan_tensor(checkpoint, "a.weight", FRESH)
        assert np.array_equal(unpack(mask), values != 0)
        assert np.array_equal(unpack(mask_of(checkpoint, "a.weight", FRESH)), values != 0)
        assert report.zeros == int((values == 0).sum())


def test_the_mask_of_a_projected_tensor_is_its_projection(write: Write) -> None:
    options = ScanOptions(rule="projected", pattern="1:4", cache=False)
    values = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
    with open_checkpoint(write({"a.weight": values})) as checkpoint:
        assert np.array_equal(
            unpack(mask_of(checkpoint, "a.weight", options)), sparse_core.project(values, "1:4")
        )


def test_one_bad_tensor_is_one_row(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Checkpoint.read

    def damaged(self: Checkpoint, name: str, start: int = 0, stop: int | None = None) -> Any:
        if "2" in name:
            raise CheckpointError(f"{name} is damaged.")
        return read(self, name, start, stop)

    monkeypatch.setattr(Checkpoint, "read", damaged)
    with open_checkpoint(write(many())) as checkpoint:
        result = scan(checkpoint)
        bad = [one for one in result.layers if one.error]
        assert [(one.name, one.error, one.class_) for one in bad] == [
            ("layers.2.fc.weight", "layers.2.fc.weight is damaged.", "other")
        ]
        assert (len(result.layers), result.verdict.dense, result.verdict.mood) == (6, 5, "bad")
        assert "could not be read" in result.verdict.text
        assert cache.stored().entries == 0


def test_a_file_that_changes_ends_the_scan(write: Write) -> None:
    path = write(many())
    with open_checkpoint(path) as checkpoint:
        stream = iter(ScanStream(checkpoint, FRESH))
        next(stream)
        os.utime(path, ns=(1, 1))
        with pytest.raises(ChangedError):
            list(stream)


def test_the_second_scan_comes_from_the_cache(write: Write) -> None:
    path = write(many())
    first, second = sparse_core.scan(path), sparse_core.scan(path)
    assert (first.cached, second.cached) == (False, True)
    assert first.layers == second.layers
    assert first.verdict == second.verdict
    assert second.read_bytes == first.read_bytes
    assert not sparse_core.scan(path, cache=False).cached


def test_the_cache_knows_options_and_files_apart(write: Write) -> None:
    path = write(many())
    sparse_core.scan(path)
    assert not sparse_core.scan(path, threshold=0.5).cached
    assert not sparse_core.scan(path, pattern="2:4").cached
    os.utime(path, ns=(1, 1))
    assert not sparse_core.scan(path).cached
    changed = write({**many(), "layers.9.fc.weight": np.ones((4, 4), np.float32)})
    assert not sparse_core.scan(changed).cached


def test_the_cache_is_for_its_owner_alone(write: Write, private_cache: Path) -> None:
    folder = private_cache / "sparsescope" / "analysis"
    folder.mkdir(parents=True, mode=0o755)
    sparse_core.scan(write(many()))
    assert cache.folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()] == [0o600]


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 400])
def test_a_damaged_entry_is_as_good_as_absent(write: Write, damage: bytes) -> None:
    path = write(many())
    whole = sparse_core.scan(path).layers
    (entry,) = cache.folder().iterdir()
    entry.write_bytes(damage)
    again = sparse_core.scan(path)
    assert not again.cached
    assert again.layers == whole
    assert sparse_core.scan(path).cached


def test_what_was_not_used_for_longest_goes_first(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(many())
    sparse_core.scan(path, threshold=0.1)
    (oldest,) = cache.folder().iterdir()
    os.utime(oldest, ns=(1, 1))
    sparse_core.scan(path, threshold=0.2)
    monkeypatch.setattr(cache, "LIMIT_BYTES", int(oldest.stat().st_size * 2.5))
    sparse_core.scan(path, threshold=0.3)
    assert cache.stored().entries == 2
    assert not oldest.exists()
    assert cache.clear().entries == 2
    assert cache.stored() == (0, 0)


def test_a_cache_that_cannot_be_written_is_no_trouble(write: Write, private_cache: Path) -> None:
    private_cache.parent.mkdir(exist_ok=True)
    private_cache.write_text("a file where the folder should be")
    result = sparse_core.scan(write(many()))
    assert not result.cached
    assert len(result.layers) == 6


def test_a_verdict_of_what_is_known_so_far(write: Write) -> None:
    with open_checkpoint(write(many())) as checkpoint:
        stream = ScanStream(checkpoint, FRESH)
        reports: list[LayerReport] = []
        for report in stream:
            reports.append(report)
            if len(reports) == 2:
                early = stream.verdict()
        assert (early.partial, early.prunable) == (True, 2)
        assert early.text.startswith("So far: ")
        assert not stream.verdict().partial
