"""Damaged files: whatever is cut or flipped, they read or are refused in a sentence."""

import io
import zipfile
from pathlib import Path

import hostile_files
import numpy as np
import pytest
import torch
from checkpoint_oracle import save_dcp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from sparse_core.checkpoints import open_checkpoint
from sparse_core.errors import CheckpointError

STATE = {
    "state_dict": {
        "fc.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
        "fc.weight_mask": torch.ones(3, 4),
        "conv.weight": torch.ones(2, 2, 3, 3, dtype=torch.bfloat16).permute(1, 0, 2, 3),
    },
    "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1}]},
    "epoch": 3,
}


def torch_bytes(*, legacy: bool) -> bytes:
    out = io.BytesIO()
    torch.save(STATE, out, _use_new_zipfile_serialization=not legacy)
    return out.getvalue()


def deflated(raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    return out.getvalue()


def npz_bytes() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.arange(6.0), b=np.asfortranarray(np.ones((3, 4), np.float16)))
    return out.getvalue()


WHOLE = {
    "safetensors": save({"a": torch.ones(3, 4), "b": torch.zeros(2, dtype=torch.int8)}, {"k": "v"}),
    "zip": torch_bytes(legacy=False),
    "legacy": torch_bytes(legacy=True),
    "deflated": deflated(torch_bytes(legacy=False)),
    "npz": npz_bytes(),
}


def reads_or_refuses(path: Path) -> bool:
    """Open and read everything; True if it could be read, False if it was refused."""
    try:
        with open_checkpoint(path, "all") as checkpoint:
            for name in checkpoint.tensors:
                checkpoint.read(name)
                checkpoint.read_mask(name)
    except CheckpointError:
        return False
    return True


@pytest.mark.parametrize("kind", WHOLE)
def test_the_whole_files_read(tmp_path, kind):
    (tmp_path / "file").write_bytes(WHOLE[kind])
    assert reads_or_refuses(tmp_path / "file")


@pytest.mark.parametrize("kind", WHOLE)
def test_truncation_at_every_region_is_refused(tmp_path, kind):
    whole = WHOLE[kind]
    step = max(1, len(whole) // 80)
    path = tmp_path / "file"
    for length in [*range(40), *range(40, len(whole), step), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert not reads_or_refuses(path), length


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_bytes_read_or_are_refused(tmp_path, kind, data):
    raw = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "file").write_bytes(raw)
    reads_or_refuses(tmp_path / "file")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_bytes_in_the_pickle_read_or_are_refused(tmp_path, data):
    """The checksum of the zip would otherwise hide most of them."""
    with zipfile.ZipFile(io.BytesIO(WHOLE["zip"])) as archive:
        name = next(one for one in archive.namelist() if one.endswith("data.pkl"))
        raw = bytearray(archive.read(name))
        storages = {
            one.rpartition("/")[2]: archive.read(one)
            for one in archive.namelist()
            if "/data/" in one
        }
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "file").write_bytes(hostile_files.torch_zip_bytes(bytes(raw), storages))
    reads_or_refuses(tmp_path / "file")


@given(raw=st.binary(max_size=200))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_opcodes_read_or_are_refused(tmp_path, raw):
    (tmp_path / "file").write_bytes(hostile_files.torch_zip_bytes(b"\x80\x02" + raw))
    assert not reads_or_refuses(tmp_path / "file")


def test_damaged_dcp_folders_read_or_are_refused(tmp_path):
    folder = save_dcp(tmp_path / "dcp", {"model": torch.nn.Linear(3, 2).state_dict()})
    for part in (folder / ".metadata", folder / "__0_0.distcp"):
        whole = part.read_bytes()
        for length in range(0, len(whole), max(1, len(whole) // 60)):
            part.write_bytes(whole[:length])
            assert not reads_or_refuses(folder), length
        random = np.random.default_rng(len(whole))
        for place, value in zip(random.integers(0, len(whole), 60), range(60), strict=True):
            part.write_bytes(whole[:place] + bytes([value * 4]) + whole[place + 1 :])
            reads_or_refuses(folder)
        part.write_bytes(whole)
    assert reads_or_refuses(folder)
