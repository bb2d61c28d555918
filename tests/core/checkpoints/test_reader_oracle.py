"""Every format and every number format, against torch.load and safetensors."""

from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_oracle import DTYPES, assert_equal, assert_ranges, bits_of, random_tensor, save_dcp
from safetensors.torch import load_file, save_file

from sparse_core.checkpoints import open_checkpoint, stamp_of

NO_SAFETENSORS = {torch.complex128}


def every_dtype() -> dict[str, torch.Tensor]:
    return {
        f"layer.{place}.weight": random_tensor(dtype, 6, 5, seed=place)
        for place, dtype in enumerate(DTYPES)
    }


def test_safetensors_reads_every_format(tmp_path):
    tensors = {n: t for n, t in every_dtype().items() if t.dtype not in NO_SAFETENSORS}
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt", "näme": "größe"})
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.format == "safetensors"
        assert checkpoint.metadata == {"format": "pt", "näme": "größe"}
        assert_equal(checkpoint, load_file(path))


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_files_read_every_format(tmp_path, legacy):
    tensors = every_dtype()
    if legacy:  # whose storages cannot be all of them
        tensors = {n: t for n, t in tensors.items() if not str(t.dtype).startswith("torch.uint")}
        tensors = {n: t for n, t in tensors.items() if "float8" not in str(t.dtype)}
    path = tmp_path / "model.pt"
    torch.save(tensors, path, _use_new_zipfile_serialization=not legacy)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.format == ("PyTorch legacy" if legacy else "PyTorch zip")
        assert_equal(checkpoint, torch.load(path, weights_only=True))


def awkward() -> dict[str, torch.Tensor]:
    base = random_tensor(torch.float32, 12, 10, seed=1)
    shared = random_tensor(torch.float32, 64, seed=2)
    return {
        "plain": base,
        "transposed": random_tensor(torch.float16, 9, 7).t(),
        "permuted": random_tensor(torch.bfloat16, 3, 4, 5, 2).permute(2, 0, 3, 1),
        "channels_last": random_tensor(torch.float32, 4, 3, 5, 5).to(
            memory_format=torch.channels_last
        ),
        "sliced": base[2:9:3, 1::2],
        "expanded": random_tensor(torch.int16, 1, 5).expand(7, 5),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0),
        "empty rows": torch.zeros(0, 5),
        "empty inside": torch.zeros(3, 0, 4),
        "view.a": shared[:16].view(4, 4),
        "view.b": shared[8:40].view(8, 4),
        "tied": base,
        "five": random_tensor(torch.float32, 2, 3, 2, 2, 2),
        "one row": random_tensor(torch.float64, 1, 33).t()[::4].t(),
    }


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_files_read_awkward_tensors(tmp_path, legacy):
    path = tmp_path / "awkward.pth"
    torch.save(awkward(), path, _use_new_zipfile_serialization=not legacy)
    with open_checkpoint(path) as checkpoint:
        assert_equal(checkpoint, torch.load(path, weights_only=True))
        for name in checkpoint.tensors:
            assert_ranges(checkpoint, name)


def test_ties_are_counted_once(tmp_path):
    path = tmp_path / "tied.pt"
    weight = torch.ones(10, 4)
    buffer = torch.ones(100)
    torch.save({"a": weight, "b": weight, "x": buffer[:60], "y": buffer[40:]}, path)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.summary.elements == 40 + 40 + 60 + 60
        assert checkpoint.summary.unique_elements == 40 + 100
        assert checkpoint.tensors["a"].storage == checkpoint.tensors["b"].storage
        assert checkpoint.tensors["x"].storage != checkpoint.tensors["y"].storage
        assert any("tied" in note for note in checkpoint.summary.notes)


def test_modules_pickle_as_torch_writes_them(tmp_path):
    """Parameters, buffers, hooks, OrderedDict with metadata, defaultdict, subclasses."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    hooked = torch.nn.Parameter(torch.ones(3, 2))
    extra = defaultdict(list)
    extra["p"] = torch.nn.Parameter(torch.ones(2))
    state = OrderedDict(network.state_dict())
    state["hooked"] = hooked
    state["buffer"] = torch.nn.Buffer(torch.arange(3.0))
    state["extra"] = extra
    path = tmp_path / "model.pt"
    torch.save(state, path)
    expected = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    with open_checkpoint(path) as checkpoint:
        assert_equal(checkpoint, expected | {"extra.p": extra["p"]})


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_kinds_of_tensors_that_are_not_weights_are_told(tmp_path):
    path = tmp_path / "kinds.pt"
    quantised = torch.quantize_per_tensor(torch.ones(4, 4), 0.1, 3, torch.qint8)
    torch.save(
        {
            "plain": torch.ones(2),
            "quantised": quantised,
            "coo": torch.eye(3).to_sparse(),
            "meta": torch.ones(2, device="meta"),
        },
        path,
    )
    with open_checkpoint(path) as checkpoint:
        assert set(checkpoint.tensors) == {"plain", "quantised"}
        assert checkpoint.tensors["quantised"].quantised
        assert checkpoint.tensors["quantised"].form == "quantised"
        assert checkpoint.read("quantised").tobytes() == bits_of(quantised.int_repr())
        notes = " ".join(checkpoint.summary.notes)
        assert "coo is a sparse" in notes
        assert "meta has no data" in notes


def test_npz_reads_what_numpy_writes(tmp_path):
    arrays = {
        "a/kernel": np.arange(12, dtype=np.float32).reshape(3, 4),
        "fortran": np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
        "scalar": np.float64(2.5),
        "empty": np.zeros((0, 4), np.float16),
        "flags": np.array([True, False, True]),
        "complex": np.array([1 + 2j, 0], np.complex64),
        "text": np.array(["no weight"]),
    }
    for name, save in (("stored.npz", np.savez), ("packed.npz", np.savez_compressed)):
        save(tmp_path / name, **arrays)
        with open_checkpoint(tmp_path / name) as checkpoint:
            assert checkpoint.format == "npz"
            assert set(checkpoint.tensors) == set(arrays) - {"text"}
            for key in checkpoint.tensors:
                expected = np.asarray(arrays[key])
                assert checkpoint.tensors[key].shape == expected.shape
                assert checkpoint.read(key).tobytes() == expected.tobytes(order="C")
                assert_ranges(checkpoint, key)


def test_npz_reads_the_bfloat16_of_jax(tmp_path):
    bits = np.arange(6, dtype=np.uint16)
    np.savez(tmp_path / "jax.npz", w=bits.view("V2"))
    with open_checkpoint(tmp_path / "jax.npz") as checkpoint:
        assert checkpoint.tensors["w"].dtype.name == "bfloat16"
        assert (checkpoint.read("w") == bits).all()


def test_dcp_folders_read_what_was_saved(tmp_path):
    network = torch.nn.Linear(6, 4)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 6)).sum().backward()
    optimizer.step()
    state = {"model": network.state_dict(), "optim": optimizer.state_dict(), "step": 7}
    path = save_dcp(tmp_path / "dcp", state)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.format == "DCP folder"
        assert checkpoint.container == "model"
        assert_equal(checkpoint, network.state_dict())
        assert checkpoint.summary.other_tensors == 6
        assert_ranges(checkpoint, "weight")


def test_a_sharded_model_is_one_model(tmp_path, shard):
    tensors = {f"layer.{i}.weight": random_tensor(torch.bfloat16, 4, 3, seed=i) for i in range(12)}
    index = shard(tmp_path / "hub model ä", tensors, 3)
    for path in (index, index.parent):
        with open_checkpoint(path) as checkpoint:
            assert checkpoint.format == "safetensors, 3 shards"
            assert len(checkpoint.files) == 4
            assert list(checkpoint.tensors)[:3] == [f"layer.{i}.weight" for i in range(3)]
            assert list(checkpoint.tensors)[-1] == "layer.11.weight"
            assert_equal(checkpoint, tensors)


def test_shards_of_torch_files_are_one_model(tmp_path, shard):
    tensors = {f"w{i}": random_tensor(torch.float32, 3, 3, seed=i) for i in range(4)}
    index = shard(tmp_path, tensors, 2, torch_files=True)
    with open_checkpoint(index) as checkpoint:
        assert checkpoint.format == "PyTorch zip, 2 shards"
        assert_equal(checkpoint, tensors)


def test_a_hub_cache_with_symlinks_is_read(tmp_path, shard):
    tensors = {f"w{i}": random_tensor(torch.float16, 3, 3, seed=i) for i in range(4)}
    cache = tmp_path / "models--someone--model"
    snapshot = cache / "snapshots" / "0123abcd"
    shard(snapshot, tensors, 2)
    blobs = cache / "blobs"
    blobs.mkdir()
    for place, file in enumerate(sorted(snapshot.iterdir())):
        file.rename(blobs / str(place))
        file.symlink_to(Path("..", "..", "blobs", str(place)))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("0123abcd")
    for path in (cache, snapshot, snapshot / "model.safetensors.index.json"):
        with open_checkpoint(path) as checkpoint:
            assert_equal(checkpoint, tensors)
    stamp = stamp_of(cache)
    assert stamp == stamp_of(snapshot)
    save_file({"w": torch.ones(1)}, blobs / "1")
    assert stamp_of(cache) != stamp


def test_a_folder_with_one_checkpoint_is_that_checkpoint(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "best.pth")
    (tmp_path / "log.txt").write_text("text")
    with open_checkpoint(tmp_path) as checkpoint:
        assert list(checkpoint.tensors) == ["w"]


def test_weights_are_read_from_the_mapping_without_a_copy(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.arange(4096.0)}, path)
    with open_checkpoint(path) as checkpoint:
        first, second = checkpoint.read("w", 0, 2048), checkpoint.read("w", 1024, 4096)
        assert np.shares_memory(first, second)
        assert not first.flags.writeable


def test_forty_gigabytes_list_from_their_headers_alone(tmp_path, shard):
    """Sparse files stand for the weights: reading them would show in the bytes mapped."""
    index = shard.sparse(tmp_path, shards=8, tensors=32, shape=(4096, 40960))
    with open_checkpoint(index) as checkpoint:
        assert checkpoint.summary.bytes == 8 * 32 * 4096 * 40960
        assert all(file._mapping is None for file in checkpoint._content.files)
        assert not checkpoint.read("0.0.weight", 0, 100).any()
