"""``export --repair``: what was broken is valid, everything else is the same bits."""

import json
import os
import signal
import struct
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import sparse_core
from sparse_core.checkpoints import saving
from sparse_core.checkpoints.model_folder import config_of_plain

Here = Callable[..., "subprocess.CompletedProcess[str]"]
Save = Callable[..., Path]


def weights(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pruned(*shape: int, pattern: str = "2:4", seed: int = 0) -> Any:
    values = weights(*shape, seed=seed)
    return values * sparse_core.project(values, pattern)


def broken(*shape: int, groups: int = 3, seed: int = 0) -> Any:
    """A 2:4 weight of whose groups some hold four."""
    values = pruned(*shape, seed=seed)
    values.reshape(-1, 4)[5 : 5 + groups] = weights(groups, 4, seed=seed + 1)
    return values


def plain_repair(values: Any) -> Any:
    """What plain numpy makes of a broken weight along its rows."""
    groups = values.reshape(-1, 4)
    drop = np.argsort(np.abs(groups), axis=1, kind="stable")[:, :2]
    result = groups.copy()
    np.put_along_axis(result, drop, 0, axis=1)
    return np.where(groups == 0, groups, result).reshape(values.shape)


def verdict(here: Here, path: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in here("scan", path, "--json").stdout.splitlines()]
    return next(line for line in lines if line["type"] == "verdict")


@pytest.fixture
def model(save: Save) -> Path:
    return save(
        {
            "fc1.weight": broken(64, 64),
            "fc2.weight": broken(64, 64, groups=9, seed=4),
            "fc3.weight": pruned(64, 64, seed=9),
            "head.weight": weights(10, 64),
            "fc1.bias": np.array([-0.0, 1, np.nan, np.inf], np.float32),
            "steps": np.array([7]),
        }
    )


def test_repair_then_scan_says_valid(here: Here, model: Path, tmp_path: Path) -> None:
    assert verdict(here, model)["broken"] == 2
    ended = here("export", model, "--repair", "2:4", "--out", tmp_path / "out")
    assert (ended.returncode, ended.stderr) == (0, "")
    after = verdict(here, tmp_path / "out")
    assert (after["broken"], after["sparse"], after["dense"]) == (0, 3, 1)
    assert here("scan", tmp_path / "out", "--require", "2:4", "--layers", "fc*").returncode == 0


def test_it_is_what_plain_numpy_makes_of_it(here: Here, model: Path, tmp_path: Path) -> None:
    ended = here("export", model, "--repair", "2:4", "--out", tmp_path / "out")
    before, after = load_file(model), load_file(tmp_path / "out")
    assert set(before) == set(after)
    for name, values in before.items():
        wanted = plain_repair(values) if name in ("fc1.weight", "fc2.weight") else values
        assert after[name].dtype == values.dtype
        assert after[name].tobytes() == wanted.tobytes(), name
    changed = sum(int((before[name] != after[name]).sum()) for name in ("fc1.weight", "fc2.weight"))
    said = [int(line.split(" weights dropped")[0].split()[-1]) for line in
            ended.stdout.splitlines() if " weights dropped" in line]  # fmt: skip
    assert sum(said) == changed


def test_named_layers_are_pruned_also_where_they_are_dense(
    here: Here, model: Path, tmp_path: Path
) -> None:
    words = ("--repair", "1:4", "--layers", "head.*", "--layers", "fc3.*", "--axis", "out")
    assert here("export", model, *words, "--out", tmp_path / "out").returncode == 0
    after, before = load_file(tmp_path / "out"), load_file(model)
    for name in ("head.weight", "fc3.weight"):
        rows = after[name].shape[0] // 4 * 4
        assert (after[name][:rows].reshape(-1, 4, 64) != 0).sum(1).max() == 1
        np.testing.assert_array_equal(after[name][rows:], before[name][rows:])
    assert after["fc1.weight"].tobytes() == before["fc1.weight"].tobytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--repair", "4:8"], "no layer is meant to be 4:8"),
        (["--repair", "2:4", "--axis", "out"], "no layer is meant to be 2:4 along out"),
        (["--repair", "2:4", "--layers", "nothing*"], "no prunable layer"),
        (["--repair", "2:4", "--layers", "fc1.bias"], "no prunable layer"),
        (["--repair", "5:4"], "5:4"),
        (["--repair", "2:4", "--pattern", "2:4"], "leave out"),
        (["--repair", "2:4", "--container", "ema"], "no container"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    here: Here, model: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    ended = here("export", model, *words, "--out", tmp_path / "out")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert sentence in ended.stderr
    assert not (tmp_path / "out").exists()


def test_its_input_is_never_written(here: Here, model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    (tmp_path / "link").symlink_to(model)
    (tmp_path / "hard").hardlink_to(model)
    for name in (model, tmp_path / "link", tmp_path / "hard"):
        ended = here("export", model, "--repair", "2:4", "--out", name)
        assert (ended.returncode, "being read" in ended.stderr) == (2, True)
    assert model.read_bytes() == before


def test_masks_of_other_tools_come_out_as_zeros(here: Here, tmp_path: Path) -> None:
    dense = torch.from_numpy(weights(32, 64))
    mask = torch.from_numpy(sparse_core.project(dense.numpy(), "2:4"))
    mask[3, :4] = True
    state = {"fc.weight_orig": dense, "fc.weight_mask": mask.float(), "fc.bias": torch.ones(32)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "pruned.pt")
    words = ("--repair", "2:4", "--layers", "fc*")
    ended = here("export", tmp_path / "pruned.pt", *words, "--out", tmp_path / "out")
    assert ended.returncode == 0
    after = load_file(tmp_path / "out")
    assert set(after) == {"fc.weight", "fc.bias"}
    np.testing.assert_array_equal(after["fc.weight"], plain_repair((dense * mask).numpy()))


def test_what_is_only_masked_comes_out_plain(here: Here, save: Save, tmp_path: Path) -> None:
    first, dense = broken(64, 64), weights(16, 64, seed=3)
    mask = np.abs(dense) > 1
    path = save({"fc.weight": first, "b.weight_orig": dense, "b.weight_mask": mask.astype("f4")})
    ended = here("export", path, "--repair", "2:4", "--out", tmp_path / "out")
    assert "1 more tensor had masks or packed forms" in ended.stdout
    after = load_file(tmp_path / "out")
    assert set(after) == {"fc.weight", "b.weight"}
    np.testing.assert_array_equal(after["b.weight"], np.where(mask, dense, 0))


def test_latent_weights_of_our_own_come_out_projected(here: Here, tmp_path: Path) -> None:
    dense = weights(32, 64)
    words = {"sparsescope.pattern": "2:4", "sparsescope.rule": "projected"}
    save_file({"fc.weight": dense}, tmp_path / "latent", metadata=words)
    here("export", tmp_path / "latent", "--repair", "2:4", "--out", tmp_path / "out")
    after = load_file(tmp_path / "out")["fc.weight"]
    np.testing.assert_array_equal(after, dense * sparse_core.project(dense, "2:4"))
    with sparse_core.open(tmp_path / "out") as checkpoint:
        assert "sparsescope.rule" not in checkpoint.metadata
    assert verdict(here, tmp_path / "out")["sparse"] == 1


def test_unknown_number_formats_are_copied(here: Here, tmp_path: Path) -> None:
    sparse = broken(64, 64)
    table = {
        "__metadata__": {"format": "pt"},
        "words": {"dtype": "F4", "shape": [4, 8], "data_offsets": [0, 16]},
        "fc.weight": {"dtype": "F32", "shape": [64, 64], "data_offsets": [16, 16 + sparse.nbytes]},
    }
    text = json.dumps(table).encode()
    source = struct.pack("<Q", len(text)) + text + bytes(range(16)) + sparse.tobytes()
    (tmp_path / "in").write_bytes(source)
    ended = here("export", tmp_path / "in", "--repair", "2:4", "--out", tmp_path / "out")
    assert ended.returncode == 0
    data = (tmp_path / "out").read_bytes()
    length = int.from_bytes(data[:8], "little")
    after = json.loads(data[8 : 8 + length])
    assert after["words"] == table["words"]
    assert data[8 + length :][:16] == bytes(range(16))


def shards(folder: Path, parts: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a folder as the hub has them."""
    folder.mkdir()
    for name, tensors in parts.items():
        save_file(dict(tensors), folder / name, metadata={"format": "pt"})
    places = {tensor: name for name, tensors in parts.items() for tensor in tensors}
    index = {"metadata": {"total_size": 0, "total_parameters": 3}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"model_type": "tiny", "torch_dtype": "float32"}')
    (folder / "tokenizer.model").write_bytes(bytes(range(256)))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    first, second = (f"model-0000{place}-of-00002.safetensors" for place in (1, 2))
    half = {"layers.0.up.weight": broken(64, 64).astype(np.float16)}
    return shards(
        tmp_path / "hub",
        {
            first: half | {"embed.weight": weights(16, 64).astype(np.float16)},
            second: {"layers.1.up.weight": broken(64, 64, seed=7).astype(np.float16)},
        },
    )


def test_a_hub_folder_stays_one(here: Here, hub: Path, tmp_path: Path) -> None:
    (hub / "pytorch_model.bin").write_bytes(b"other weights")
    (hub / "stolen.txt").symlink_to("/etc/hostname")
    (hub / ".git").mkdir()
    (hub / ".git" / "config").write_text("private")
    out = tmp_path / "out"
    ended = here("export", hub, "--repair", "2:4", "--out", out)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Not copied: pytorch_model.bin, stolen.txt." in ended.stdout
    expected = {path.relative_to(hub).as_posix() for path in hub.rglob("*") if path.is_file()}
    expected -= {"pytorch_model.bin", "stolen.txt", ".git/config"}
    assert {one.relative_to(out).as_posix() for one in out.rglob("*") if one.is_file()} == expected
    for name in ("config.json", "tokenizer.model", "1_Pooling/config.json"):
        assert (out / name).read_bytes() == (hub / name).read_bytes()
    old, new = (
        json.loads((one / "model.safetensors.index.json").read_text()) for one in (hub, out)
    )
    assert new["weight_map"] == old["weight_map"]
    assert new["metadata"] == {"total_size": 2 * (2 * 64 * 64 + 16 * 64), "total_parameters": 3}
    for shard in set(new["weight_map"].values()):
        before, after = load_file(hub / shard), load_file(out / shard)
        for name, values in before.items():
            wanted = values if "embed" in name else plain_repair(values)
            assert (after[name].dtype, after[name].tobytes()) == (values.dtype, wanted.tobytes())
    assert verdict(here, out)["broken"] == 0


def test_torch_shards_become_safetensors_shards(here: Here, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    names = [f"pytorch_model-0000{place}-of-00002.bin" for place in (1, 2)]
    for place, name in enumerate(names):
        torch.save({f"{place}.weight": torch.from_numpy(broken(64, 64, seed=place))}, folder / name)
    index = {"metadata": {}, "weight_map": {"0.weight": names[0], "1.weight": names[1]}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert here("export", folder, "--repair", "2:4", "--out", tmp_path / "out").returncode == 0
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]
    assert verdict(here, tmp_path / "out")["sparse"] == 2


def test_a_snapshot_of_the_cache_may_be_linked_to_its_blobs(here: Here, tmp_path: Path) -> None:
    cache = tmp_path / "models--a--b"
    snapshot = cache / "snapshots" / "main"
    (cache / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    save_file({"fc.weight": broken(64, 64)}, cache / "blobs" / "1")
    (cache / "blobs" / "2").write_text('{"a": 1}')
    (snapshot / "model.safetensors").symlink_to("../../blobs/1")
    (snapshot / "config.json").symlink_to("../../blobs/2")
    assert here("export", cache, "--repair", "2:4", "--out", tmp_path / "out").returncode == 0
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    assert not any(one.is_symlink() for one in (tmp_path / "out").iterdir())


def test_a_folder_is_never_written_into(here: Here, hub: Path, tmp_path: Path) -> None:
    before = sorted(hub.rglob("*"))
    (tmp_path / "link").symlink_to(hub)
    for out in (hub, tmp_path / "link", hub / "inner", tmp_path / "link" / "inner"):
        ended = here("export", hub, "--repair", "2:4", "--out", out)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), out
    assert sorted(hub.rglob("*")) == before


@pytest.mark.parametrize("folder", [False, True])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    cli: Here, hub: Path, model: Path, tmp_path: Path, folder: bool
) -> None:
    before = sorted(tmp_path.iterdir())
    source = hub if folder else model
    # In a process of its own: the limit would end the test's own output as well. Bytecode would
    # be cut short.
    small_disk = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))"
    start = f"{small_disk}; import sys; from sparse_core.__main__ import main; sys.exit(main())"
    words = ("export", source, "--repair", "2:4", "--out", tmp_path / "out")
    ended = cli(*words, start=("-c", start), PYTHONDONTWRITEBYTECODE="1")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "The disk is full" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert [one for one in sorted(tmp_path.iterdir()) if one.name != "cache-home"] == before


@pytest.mark.parametrize("folder", [False, True])
def test_a_process_that_is_killed_leaves_nothing(
    here: Here, hub: Path, model: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    def killed(file: BinaryIO, chunks: Iterable[bytes]) -> int:
        file.write(next(iter(chunks)))
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    monkeypatch.setattr(saving, "_fill", killed)
    out = model.parent / "made" / "out"
    out.parent.mkdir()
    ended = here("export", hub if folder else model, "--repair", "2:4", "--out", out)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert list(out.parent.iterdir()) == []


def test_packed_weights_come_out_plain_and_the_config_says_so(here: Here, tmp_path: Path) -> None:
    values = broken(64, 64)
    kept = values != 0
    counts = np.concatenate([[0], np.cumsum(kept.sum(1))[:-1]])
    folder = tmp_path / "packed"
    folder.mkdir()
    parts = {
        "fc.compressed": values[kept],
        "fc.bitmask": np.packbits(kept, axis=1, bitorder="little"),
        "fc.shape": np.array([64, 64]),
        "fc.row_offsets": counts.astype(np.int64),
        "fc.bias": np.ones(64, np.float32),
    }
    save_file(parts, folder / "model.safetensors")
    sparsity = {"format": "sparse-bitmask", "sparsity_structure": "2:4"}
    config = {"quantization_config": {"format": "dense", "sparsity_config": sparsity}, "x": [1]}
    (folder / "config.json").write_text(json.dumps(config))
    ended = here("export", folder, "--repair", "2:4", "--out", tmp_path / "out")
    assert (ended.returncode, ended.stderr) == (0, "")
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert set(after) == {"fc.weight", "fc.bias"}
    np.testing.assert_array_equal(after["fc.weight"], plain_repair(values))
    sparsity["format"] = "dense"
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == config
    assert verdict(here, tmp_path / "out")["sparse"] == 1


@pytest.mark.parametrize("target", ["/proc/out", "/dev/null/out", "nowhere/out"])
def test_a_place_where_nothing_can_be_written(here: Here, model: Path, target: str) -> None:
    ended = here("export", model, "--repair", "2:4", "--out", target)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1


def test_a_config_no_longer_says_packed() -> None:
    packed = {
        "quantization_config": {
            "format": "dense",
            "sparsity_config": {"format": "sparse-24-bitmask", "sparsity_structure": "2:4"},
        }
    }
    after = json.loads(config_of_plain(json.dumps(packed).encode()))
    assert after["quantization_config"]["sparsity_config"] == {
        "format": "dense",
        "sparsity_structure": "2:4",
    }
    for untouched in (b'{"a":1}', b"no json", b"[]", b'{"quantization_config": null}'):
        assert config_of_plain(untouched) == untouched
