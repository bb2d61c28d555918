"""DCP folders as several ranks write them: tensors in chunks, in several files."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_oracle import assert_equal, assert_ranges, bits_of, random_tensor, save_dcp
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)

from sparse_core.checkpoints import open_checkpoint
from sparse_core.errors import CheckpointError

Box = tuple[tuple[int, ...], tuple[int, ...]]
"""Offsets and sizes of a chunk."""


def write_chunks(
    folder: Path, name: str, tensor: torch.Tensor, boxes: list[Box], part: str = "__{}_0.distcp"
) -> Path:
    """Write a tensor as ranks would that hold one box each."""
    folder.mkdir()
    chunks, places = [], {}
    for rank, (offsets, sizes) in enumerate(boxes):
        piece = tensor[tuple(slice(o, o + s) for o, s in zip(offsets, sizes, strict=True))]
        raw = io.BytesIO()
        torch.save(piece.clone(), raw)
        file = folder / Path(part.format(rank)).name
        file.write_bytes(b"before" + raw.getvalue() + b"after")
        chunks.append(ChunkStorageMetadata(torch.Size(offsets), torch.Size(sizes)))
        index = MetadataIndex(name, torch.Size(offsets), rank)
        places[index] = _StorageInfo(part.format(rank), len(b"before"), len(raw.getvalue()))
    stored = TensorStorageMetadata(TensorProperties(tensor.dtype), tensor.shape, chunks)
    metadata = Metadata({name: stored}, {name: ("model", "w")}, places)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    return folder


LAYOUTS: dict[str, list[Box]] = {
    "rows": [((0, 0), (4, 6)), ((4, 0), (3, 6))],
    "uneven rows": [((0, 0), (3, 6)), ((3, 0), (3, 6)), ((6, 0), (1, 6)), ((7, 0), (0, 6))],
    "columns": [((0, 0), (7, 2)), ((0, 2), (7, 4))],
    "grid": [((0, 0), (4, 3)), ((0, 3), (4, 3)), ((4, 0), (3, 3)), ((4, 3), (3, 3))],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_chunks_are_put_together(tmp_path, layout):
    tensor = random_tensor(torch.bfloat16, 7, 6)
    folder = write_chunks(tmp_path / "dcp", "model.w", tensor, LAYOUTS[layout])
    with open_checkpoint(folder) as checkpoint:
        assert_equal(checkpoint, {"w": tensor})
        assert_ranges(checkpoint, "w", cuts=11)
        assert len(checkpoint.files) == 1 + len(LAYOUTS[layout])


def test_chunks_of_more_dimensions_are_put_together(tmp_path):
    tensor = random_tensor(torch.float32, 4, 3, 2, 5)
    boxes = [((0, 0, 0, 0), (4, 3, 2, 2)), ((0, 0, 0, 2), (4, 3, 2, 3))]
    with open_checkpoint(write_chunks(tmp_path / "dcp", "w", tensor, boxes)) as checkpoint:
        assert checkpoint.read("w").tobytes() == bits_of(tensor)
        assert_ranges(checkpoint, "w", cuts=13)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([((0, 0), (4, 6))], "do not fill it"),
        ([((0, 0), (7, 6)), ((0, 0), (7, 6))], "do not fill it"),
        ([((0, 0), (4, 6)), ((2, 0), (3, 6))], "overlap"),
        ([((0, 0), (4, 6)), ((5, 0), (3, 6))], "reaches outside"),
    ],
)
def test_chunks_that_do_not_cover_are_refused(tmp_path, boxes, words):
    folder = write_chunks(tmp_path / "dcp", "w", torch.ones(9, 6), boxes)
    raw = (folder / ".metadata").read_bytes()
    metadata = pickle.loads(raw)
    metadata.state_dict_metadata["w"].size = torch.Size((7, 6))
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(CheckpointError, match=words):
        open_checkpoint(folder)


@pytest.mark.parametrize("part", ["../__{}_0.distcp", "/etc/__{}_0.distcp"])
def test_chunks_outside_of_the_folder_are_refused(tmp_path, part):
    boxes = [((0, 0), (7, 6))]
    folder = write_chunks(tmp_path / "dcp", "w", torch.ones(7, 6), boxes, part)
    with pytest.raises(CheckpointError, match="does not lie in its folder"):
        open_checkpoint(folder)


def test_a_missing_part_is_named(tmp_path):
    folder = save_dcp(tmp_path / "dcp", {"w": torch.ones(2)})
    (folder / "__0_0.distcp").unlink()
    with pytest.raises(CheckpointError, match=r"__0_0\.distcp is missing"):
        open_checkpoint(folder)


def test_a_chunk_that_is_something_else_is_told_when_read(tmp_path):
    folder = save_dcp(tmp_path / "dcp", {"w": torch.ones(2, 2), "v": torch.zeros(4)})
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    places = {index.fqn: index for index in metadata.storage_data}
    data = metadata.storage_data
    data[places["w"]], data[places["v"]] = data[places["v"]], data[places["w"]]
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    with (
        open_checkpoint(folder) as checkpoint,
        pytest.raises(CheckpointError, match=r"not what \.metadata promises"),
    ):
        checkpoint.read("w")


def test_hundreds_of_ranks_list(tmp_path):
    rows = 300
    boxes = [((row, 0), (1, 2)) for row in range(rows)]
    tensor = torch.arange(2.0 * rows).reshape(rows, 2)
    folder = write_chunks(tmp_path / "dcp", "w", tensor, boxes, "__all_0.distcp")
    # All chunks share a file here, which only the first rank's bytes survive in.
    with open_checkpoint(folder) as checkpoint:
        assert checkpoint.tensors["w"].shape == (rows, 2)
        assert np.dtype(checkpoint.tensors["w"].dtype.raw) == np.float32
