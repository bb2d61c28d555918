"""Our own packed form in a file: one row, the weight bit for bit, damage told."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from sparse_core.checkpoints import open_checkpoint
from sparse_core.checkpoints.own import AXIS, PATTERN
from sparse_core.checkpoints.saving import save
from sparse_core.checkpoints.saving_nm import metadata_of, outgoing
from sparse_core.dtypes import DTYPES
from sparse_core.errors import CheckpointError
from sparse_core.masks.layout import layout_of
from sparse_core.masks.packed import unpack
from sparse_core.masks.project import project
from sparse_core.packed.nm import PackedNM, pack_nm
from sparse_core.packed.saved_nm import to_parts
from sparse_core.patterns import NMPattern


def packed_of(
    shape: tuple[int, ...], pattern: NMPattern, name: str = "float32"
) -> tuple[np.ndarray, PackedNM]:
    dtype = DTYPES[name]
    layout = layout_of(shape, "conv" if len(shape) == 4 else "linear")
    values = np.random.default_rng(0).normal(size=layout.elements).astype(dtype.raw)
    kept = unpack(project(values, dtype, layout, pattern)).reshape(-1)
    raw = np.where(kept, values, np.zeros_like(values))
    return raw, pack_nm(raw, dtype, layout, pattern)


def write(folder, parts, name="fc.weight", **more):
    tensors = {f"{name}.{part}": np.ascontiguousarray(array) for part, array in parts.items()}
    save_file(tensors | more, folder / "m.safetensors", {PATTERN: "2:4", AXIS: "in"})
    return folder / "m.safetensors"


@pytest.mark.parametrize("name", ["float32", "float16"])
@pytest.mark.parametrize("text", ["2:4", "1:8", "3:5"])
@pytest.mark.parametrize("axis", ["in", "out", "kernel"])
@pytest.mark.parametrize("shape", [(12, 24), (9, 35), (10, 8, 3, 3)])
def test_a_packed_weight_is_one_row(tmp_path, shape, axis, text, name):
    pattern = NMPattern.parse(text, axis)
    raw, packed = packed_of(shape, pattern, name)
    path = write(tmp_path, to_parts(packed), bias=np.ones(3, np.float32))
    with open_checkpoint(path) as checkpoint:
        info = checkpoint.tensors["fc.weight"]
        assert set(checkpoint.tensors) == {"fc.weight", "bias"}
        assert (info.shape, info.form, info.dtype.name) == (shape, "packed", name)
        assert len(info.stored_as) == 4
        assert info.note == f"Packed as {text} along {axis}."
        assert checkpoint.writer == "Sparsescope"
        assert checkpoint.metadata[PATTERN] == "2:4"
        assert checkpoint.read("fc.weight").tobytes() == raw.tobytes()
        random = np.random.default_rng(1)
        for _ in range(12):
            start, stop = sorted(random.integers(0, raw.size + 1, 2).tolist())
            found = checkpoint.read("fc.weight", start, stop)
            assert found.tobytes() == raw[start:stop].tobytes()


def test_it_takes_fewer_bytes(tmp_path):
    raw, packed = packed_of((64, 64), NMPattern(1, 16))
    with open_checkpoint(write(tmp_path, to_parts(packed))) as checkpoint:
        held = checkpoint.tensors["fc.weight"].bytes
        header = 8 * 8
        assert held == packed.nbytes + header
        assert held < raw.nbytes / 8


def test_two_weights_read_in_turn(tmp_path):
    pattern = NMPattern(2, 4, "out")
    first, one = packed_of((8, 8), pattern)
    second, two = packed_of((8, 12), pattern)
    more = {f"b.{part}": array for part, array in to_parts(two).items()}
    with open_checkpoint(write(tmp_path, to_parts(one), "a", **more)) as checkpoint:
        for _ in range(2):
            assert checkpoint.read("a").tobytes() == first.tobytes()
            assert checkpoint.read("b").tobytes() == second.tobytes()


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn"])
def test_any_format_is_saved(tmp_path, name):
    dtype, pattern = DTYPES[name], NMPattern(2, 4)
    raw = np.arange(1, 97, dtype=np.uint8).astype(dtype.raw)
    raw.reshape(-1, 4)[:, 1:3] = 0
    packed = pack_nm(raw, dtype, layout_of((12, 8), "linear"), pattern)
    tensors = (*outgoing("a", packed), *outgoing("b", packed))
    path = tmp_path / "m.safetensors"
    save(path, tensors, metadata_of(packed))
    with open_checkpoint(path) as checkpoint:
        assert set(checkpoint.tensors) == {"a", "b"}
        assert checkpoint.metadata == {PATTERN: "2:4", AXIS: "in"}
        assert checkpoint.tensors["b"].dtype == dtype
        assert checkpoint.read("b").tobytes() == raw.tobytes()


@pytest.mark.parametrize(
    ("part", "make", "sentence"),
    [
        ("nm_shape", lambda old: old[:6], "too short"),
        ("nm_shape", lambda old: np.resize(old, 99), "too long"),
        ("nm_shape", lambda old: np.where(np.arange(old.size) == 1, 99, old), "no pattern"),
        ("nm_shape", lambda old: np.where(np.arange(old.size) == 2, 7, old), "no pattern"),
        ("nm_shape", lambda old: np.where(np.arange(old.size) == 6, 8, old), "multiply"),
        ("nm_shape", lambda old: np.where(np.arange(old.size) == 5, -1, old), "multiply"),
        ("nm_values", lambda old: old[:-1], "nm_values has the shape"),
        ("nm_positions", lambda old: old[:-1], "nm_positions has the shape"),
        ("nm_tail", lambda old: np.ones((12, 1), np.float32), "nm_tail has the shape"),
    ],
)
def test_parts_that_do_not_fit_are_told(tmp_path, part, make, sentence):
    parts = to_parts(packed_of((12, 24), NMPattern(2, 4))[1])
    parts[part] = make(parts[part])
    with pytest.raises(CheckpointError, match=sentence):
        open_checkpoint(write(tmp_path, parts))


def test_damaged_positions_are_told_when_read(tmp_path):
    parts = to_parts(packed_of((12, 24), NMPattern(2, 4))[1])
    parts["nm_positions"] = np.zeros_like(parts["nm_positions"])
    with (
        open_checkpoint(write(tmp_path, parts)) as checkpoint,
        pytest.raises(CheckpointError, match="outside its group"),
    ):
        checkpoint.read("fc.weight")


@pytest.mark.parametrize("missing", ["nm_positions", "nm_tail", "nm_shape"])
def test_without_a_part_the_rest_is_listed_as_it_is(tmp_path, missing):
    parts = to_parts(packed_of((12, 24), NMPattern(2, 4))[1])
    del parts[missing]
    with open_checkpoint(write(tmp_path, parts)) as checkpoint:
        assert len(checkpoint.tensors) == 3
