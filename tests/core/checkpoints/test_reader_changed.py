"""Files that change while they are open."""

import os

import numpy as np
import pytest
import torch
from checkpoint_oracle import save_dcp
from safetensors.torch import save_file

from sparse_core.checkpoints import open_checkpoint, stamp_of
from sparse_core.errors import ChangedError, CheckpointError


@pytest.fixture
def path(tmp_path):
    save_file({"w": torch.arange(4096.0), "v": torch.ones(4)}, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def truncate(path):
    os.truncate(path, 100)


def overwrite(path):
    data = path.read_bytes()
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize("change", [truncate, overwrite, replace, os.remove])
@pytest.mark.parametrize("read_before", [True, False])
def test_every_change_is_seen_before_a_block_is_read(path, change, read_before):
    with open_checkpoint(path) as checkpoint:
        if read_before:
            checkpoint.read("w")
        change(path)
        with pytest.raises(ChangedError, match="open it again"):
            checkpoint.read("w", 0, 10)
        with pytest.raises(ChangedError):
            checkpoint.check_unchanged()


def test_one_shard_that_changes_is_seen(tmp_path, shard):
    index = shard(tmp_path, {"a": torch.ones(4), "b": torch.ones(4)}, 2)
    with open_checkpoint(index) as checkpoint:
        checkpoint.check_unchanged()
        truncate(tmp_path / "model-00002-of-00002.safetensors")
        assert checkpoint.read("a").all()
        with pytest.raises(ChangedError):
            checkpoint.read("b")
        with pytest.raises(ChangedError):
            checkpoint.check_unchanged()


def test_a_dcp_chunk_that_changes_is_seen(tmp_path):
    folder = save_dcp(tmp_path / "dcp", {"model": {"w": torch.ones(4)}})
    with open_checkpoint(folder) as checkpoint:
        truncate(folder / "__0_0.distcp")
        with pytest.raises(CheckpointError):
            checkpoint.read("w")


def test_stamps_tell_files_apart(path, tmp_path, shard):
    stamp = stamp_of(path)
    assert stamp == stamp_of(str(path)) == open_checkpoint(path).stamp
    assert stamp_of(tmp_path / "nowhere") == ""
    overwrite(path)
    assert stamp_of(path) != stamp
    folder = tmp_path / "sharded"
    index = shard(folder, {"a": torch.ones(4), "b": torch.ones(4)}, 2)
    stamp = stamp_of(index)
    assert stamp == stamp_of(folder) == open_checkpoint(folder).stamp
    (folder / "log.txt").write_text("does not count")
    assert stamp_of(folder) == stamp
    overwrite(folder / "model-00001-of-00002.safetensors")
    assert stamp_of(folder) != stamp


def test_closing_drops_the_file_and_keeps_what_was_read(path):
    checkpoint = open_checkpoint(path)
    rows = checkpoint.read("w")
    checkpoint.close()
    assert (rows == np.arange(4096.0)).all()
    with pytest.raises(CheckpointError, match="closed"):
        checkpoint.read("w")
