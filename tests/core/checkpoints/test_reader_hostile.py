"""Hostile files: one sentence each, nothing executed, nothing crashed."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import hostile_files
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sparse_core.checkpoints import open_checkpoint
from sparse_core.checkpoints.arrays import MAX_INFLATED_BYTES
from sparse_core.errors import CheckpointError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile_files.build_all(tmp_path_factory.mktemp("hostile"))


def names() -> list[str]:
    pickles = [
        f"{kind} {name}" for kind in ("zip", "legacy", "dcp") for name in hostile_files.PICKLES
    ]
    return [
        *pickles,
        *(f"safetensors {name}" for name in hostile_files.SAFETENSORS),
        *(f"npz {name}" for name in hostile_files.NPZ),
        *hostile_files.OTHER,
        *(f"index {name}" for name in hostile_files.INDICES),
        "torchscript",
        "empty folder",
        "nowhere",
    ]


@pytest.mark.parametrize("name", names())
def test_one_sentence_and_nothing_executed(hostile, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(hostile[name])
    sentence = str(caught.value)
    assert str(hostile[name]) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 600
    assert list(tmp_path.iterdir()) == []


def test_every_hostile_file_is_tested(hostile):
    assert set(names()) == set(hostile)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zip reduce", "posix.system"),
        ("legacy inst", "posix.system"),
        ("zip in a state dict", "posix.system"),
        ("zip nested load", "inside the pickle"),
        ("dcp reduce", "posix.system"),
        ("torchscript", "TorchScript"),
        ("namespace", "argparse.Namespace"),
        ("lfs pointer", "git lfs pull"),
        ("npz object array", "Python objects"),
        ("npz big-endian array", "big-endian"),
        ("big-endian torch", "big-endian"),
        ("index missing shard", "two.safetensors, which is missing"),
        ("safetensors named twice", "twice"),
        ("safetensors named twice by escape", "twice"),
        ("safetensors header of 2^63 bytes", "9,223,372,036,854,775,808"),
    ],
)
def test_the_sentence_says_what_it_is(hostile, name, words):
    with pytest.raises(CheckpointError, match=words):
        open_checkpoint(hostile[name])


def test_a_damaged_deflated_weight_is_told_when_it_is_read(tmp_path):
    """Its length is a lie that only inflating shows."""
    path = tmp_path / "lies.npz"
    np.savez_compressed(path, w=np.zeros(100_000, np.float32))
    raw = bytearray(path.read_bytes())
    info = zipfile.ZipFile(path).infolist()[0]
    position = raw.index(b"PK\x01\x02") + 24
    assert struct.unpack_from("<I", raw, position)[0] == info.file_size
    struct.pack_into("<I", raw, position, info.file_size + 1000)
    path.write_bytes(raw)
    with pytest.raises(CheckpointError, match="length that it claims"):
        open_checkpoint(path).read("w")


def test_deflated_torch_files_are_read_up_to_the_limit(tmp_path):
    plain = io.BytesIO()
    torch.save({"w": torch.arange(1000.0)}, plain)
    path = tmp_path / "deflated.pt"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    with open_checkpoint(path) as checkpoint:
        assert (checkpoint.read("w", 10, 20) == np.arange(10.0, 20.0)).all()
    assert MAX_INFLATED_BYTES == 1 << 30


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a regular file"):
        open_checkpoint(tmp_path / "pipe")


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    """Root may read everything, so the refusal of the system is played."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(CheckpointError, match="Permission denied"):
        open_checkpoint(tmp_path)


def test_objects_of_other_packages_stay_unread_and_harm_nobody(tmp_path):
    """An enumeration, a path, a namespace, a whole pickled module beside a state dict."""
    path = tmp_path / "mixed.pt"
    module = torch.nn.Linear(2, 2)
    torch.save(
        {
            "state_dict": {"weight": torch.ones(2, 2)},
            "path": Path("/somewhere"),
            "pickled": module,
            "shape": torch.Size([1, 2]),
            "device": torch.device("cpu"),
            "dtype": torch.bfloat16,
            "score": np.float64(0.5),
        },
        path,
    )
    with open_checkpoint(path) as checkpoint:
        assert list(checkpoint.tensors) == ["weight"]


def test_a_whole_pickled_module_is_explained(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(CheckpointError, match=r"torch\.nn\.modules\.linear\.Linear"):
        open_checkpoint(tmp_path / "module.pt")


def test_an_optimizer_alone_is_explained(tmp_path):
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    torch.save({"optimizer": optimizer.state_dict()}, tmp_path / "optimizer.pt")
    with pytest.raises(CheckpointError, match="open the file of the model"):
        open_checkpoint(tmp_path / "optimizer.pt")


def test_nan_and_inf_everywhere_and_nothing_at_all(tmp_path):
    tensors = {
        "nan": torch.full((8, 8), float("nan"), dtype=torch.float16),
        "inf": torch.full((8, 8), -float("inf"), dtype=torch.bfloat16),
        "none": torch.zeros(0, 8),
    }
    path = tmp_path / "with space ünd umlaut.safetensors"
    save_file(tensors, path)
    with open_checkpoint(path) as checkpoint:
        assert np.isnan(checkpoint.read("nan")).all()
        assert checkpoint.read("none").shape == (0,)


def test_pickle_bytes_of_protocol_5_and_text_protocols_are_read():
    from sparse_core.checkpoints import pickles

    value = {"a": [1, -(2**40), 2.5, True, None, "text", b"raw"], "b": ("x", {"y": 1})}
    for protocol in range(6):
        raw = pickle.dumps(value, protocol)
        read, end = pickles.load(raw, lambda key: key)
        assert read == value
        assert end == len(raw)


def test_names_in_a_sentence_cannot_drive_a_terminal(tmp_path):
    evil = b"os\x1b[2Jx\nsecond line"
    data = b"\x80\x04\x8c" + bytes([len(evil)]) + evil + b"\x8c\x06system\x93)R."
    (tmp_path / "evil.pt").write_bytes(hostile_files.torch_zip_bytes(data))
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(tmp_path / "evil.pt")
    assert str(caught.value).isprintable()


def test_lone_surrogates_in_names_become_something_that_can_be_sent(tmp_path):
    torch.save({"layer\udc80": torch.ones(2), "b": torch.ones(1)}, tmp_path / "names.pt")
    with open_checkpoint(tmp_path / "names.pt") as checkpoint:
        assert [name.encode() for name in checkpoint.tensors]
        assert len(checkpoint.tensors) == 2
