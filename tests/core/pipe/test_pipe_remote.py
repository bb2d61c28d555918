"""A checkpoint at an address through a core process: listed, scanned and drawn as a file here."""

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from core_client import ROOT, CoreClient
from ranged_store import Server
from safetensors.numpy import save_file

from inspector.app.arguments import parse
from sparse_core.messages import (
    Cell,
    CellWanted,
    FileId,
    OpenCheckpoint,
    Opened,
    ScanCheckpoint,
    Scanned,
    ScanOptions,
    Tile,
    TileKey,
    TilesWanted,
    Verdict,
)

OPTIONS = ScanOptions(cache=False)
NAME = "fc.weight"
_SCRIPT = """
import sys
sys.path.append({tests!r})
import fsspec
from ranged_store import RangedFileSystem
RangedFileSystem.url = {url!r}
fsspec.register_implementation("s3", RangedFileSystem, clobber=True)
from sparse_core.__main__ import main
sys.exit(main(["serve"]))
"""


@pytest.fixture
def weight() -> np.ndarray:
    values = np.random.default_rng(1).standard_normal((256, 512)).astype(np.float32)
    values.reshape(-1, 4)[:, 2:] = 0
    values[7, 40:44] = (1, -2, 3, 4)
    return values


@pytest.fixture
def core(tmp_path: Path, weight: np.ndarray) -> Iterator[CoreClient]:
    (tmp_path / "bucket").mkdir()
    save_file({NAME: weight}, tmp_path / "bucket" / "model.safetensors")
    server = Server(tmp_path)
    script = _SCRIPT.format(tests=str(ROOT / "tests" / "core" / "checkpoints"), url=server.url)
    with CoreClient((sys.executable, "-P", "-c", script)) as core:
        yield core
    server.close()


def test_the_window_reads_an_address_as_it_reads_a_path(
    core: CoreClient, weight: np.ndarray
) -> None:
    (address,) = parse(["s3://bucket/model.safetensors"]).paths
    opened = core.ask(OpenCheckpoint(FileId(address)))[0]
    assert isinstance(opened, Opened)
    assert opened.summary.path == "s3://bucket/model.safetensors"
    file = opened.file
    scanned = core.ask(ScanCheckpoint(file, OPTIONS))
    assert isinstance(scanned[-1], Scanned)
    assert [one for one in scanned if isinstance(one, Verdict)][-1].broken == 1
    (cell,) = core.ask(CellWanted(3, file, OPTIONS, NAME, 7, 41))
    assert isinstance(cell, Cell)
    assert cell.value == -2.0
    key = TileKey(0, 0, 0, 0)
    (tile, _) = core.ask(TilesWanted(3, file, OPTIONS, NAME, "mask", (key,)))
    assert isinstance(tile, Tile)
    data = zlib.decompress(tile.data) if tile.packed else tile.data
    shown = np.frombuffer(data, np.uint8).reshape(tile.height, tile.width)
    assert ((shown > 0) == (weight[: tile.height, : tile.width] != 0)).all()
