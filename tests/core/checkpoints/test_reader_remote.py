"""Checkpoints at an address: what is listed and read is what lies there, and little travels."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from fsspec.registry import _registry
from ranged_store import RangedFileSystem, Server
from safetensors.numpy import save_file

import sparse_core
from sparse_core.analysis.report import gather
from sparse_core.checkpoints import open_checkpoint, stamp_of
from sparse_core.checkpoints.remote import file as remote_file
from sparse_core.errors import ChangedError, CheckpointError
from sparse_core.messages import FileId, ScanOptions
from sparse_core.service import watch

ROWS, COLUMNS = 1024, 2048
NAMES = tuple(f"layers.{at}.weight" for at in range(4))
PAGE = remote_file.PAGE


@pytest.fixture
def network() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    layers = {name: random.standard_normal((ROWS, COLUMNS)).astype(np.float32) for name in NAMES}
    for layer in layers.values():
        layer.reshape(-1, 4)[:, 2:] = 0
    return layers


@pytest.fixture
def bucket(tmp_path: Path, network: dict[str, np.ndarray]) -> Path:
    folder = tmp_path / "bucket" / "model"
    folder.mkdir(parents=True)
    save_file(network, folder / "model.safetensors", {"made by": "a test"})
    (folder / "config.json").write_text('{"architectures": ["Nothing"]}')
    return folder


@pytest.fixture
def server(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    served = Server(bucket.parent)
    monkeypatch.setitem(_registry, "s3", RangedFileSystem)
    monkeypatch.setattr(RangedFileSystem, "url", served.url)
    yield served
    served.close()


def test_headers_and_wanted_rows_travel_and_nothing_else(
    server: Server, network: dict[str, np.ndarray]
) -> None:
    with open_checkpoint("s3://model/model.safetensors") as checkpoint:
        assert tuple(checkpoint.tensors) == NAMES
        assert checkpoint.metadata == {"made by": "a test"}
        assert checkpoint.config["architectures"] == ["Nothing"]
        assert server.sent <= 2 * PAGE
        before = server.sent
        start, stop = 100 * COLUMNS, 164 * COLUMNS
        rows = checkpoint.read(NAMES[2], start, stop)
        assert rows.tobytes() == network[NAMES[2]][100:164].tobytes()
        assert server.sent - before == (stop - start) * 4
        before = server.sent
        few = checkpoint.read(NAMES[0], 5, 9)
        assert few.tobytes() == network[NAMES[0]].reshape(-1)[5:9].tobytes()
        assert server.sent - before <= 2 * PAGE


def test_a_folder_at_an_address_is_the_folder_here(
    server: Server, bucket: Path, network: dict[str, np.ndarray]
) -> None:
    torch.save({name: torch.tensor(value) for name, value in network.items()}, bucket / "a.pt")
    for address, path in (("s3://model", bucket), ("s3://model/a.pt", bucket / "a.pt")):
        there, here = sparse_core.scan(address, cache=False), sparse_core.scan(path, cache=False)
        assert there.verdict == here.verdict
        assert there.layers == here.layers
    assert server.asked


def test_what_changed_at_the_address_is_noticed(
    server: Server, bucket: Path, network: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_file, "LOOK_EVERY_S", 0.0)
    address = "s3://model/model.safetensors"
    stamp = stamp_of(address)
    with open_checkpoint(address) as checkpoint:
        assert checkpoint.stamp == stamp != ""
        save_file(network, bucket / "model.safetensors", {"made by": "another test"})
        with pytest.raises(ChangedError, match="changed"):
            checkpoint.read(NAMES[0], 0, 10)
    assert stamp_of(address) != stamp
    assert server.sent
    # A store is not asked every two seconds.
    assert watch._news(FileId(address, stamp=stamp)) is None


def test_a_store_of_fsspecs_own_is_read_too(network: dict[str, np.ndarray], bucket: Path) -> None:
    with fsspec.open("memory://hub/model.safetensors", "wb") as file:
        file.write((bucket / "model.safetensors").read_bytes())
    with open_checkpoint("memory://hub/model.safetensors") as checkpoint:
        assert checkpoint.read(NAMES[1]).tobytes() == network[NAMES[1]].tobytes()


def test_each_obstacle_has_its_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="s3://model/none cannot be opened: nothing lies th"):
        open_checkpoint("s3://model/none")
    with pytest.raises(CheckpointError, match="addresses that begin with ftp:// are not read"):
        open_checkpoint("ftp://somewhere/model")
    with pytest.raises(CheckpointError, match="are not read"):
        open_checkpoint("s3://model::memory://model")
    with (
        open_checkpoint("s3://model") as checkpoint,
        pytest.raises(CheckpointError, match="download it first"),
    ):
        gather(checkpoint, ScanOptions(cache=False))
    server.close()
    with pytest.raises(CheckpointError, match="the store did not answer"):
        open_checkpoint("s3://model")


def test_without_the_packages_there_is_a_sentence_and_no_trace() -> None:
    script = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from sparse_core.__main__ import main\n"
        "sys.exit(main(['scan', 'hf://owner/model']))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert 'pip install "sparsescope[remote]"' in done.stderr
    assert "Traceback" not in done.stderr
