"""A repaired copy and the edges of a map through a core process, against plain numpy."""

from pathlib import Path

import numpy as np
import pytest
from core_client import CoreClient
from safetensors.numpy import load_file, save_file

import sparse_core
from sparse_core.messages import (
    Failed,
    FileId,
    Profile,
    ProfileWanted,
    Repaired,
    RepairTo,
    ScanOptions,
)

OPTIONS = ScanOptions(cache=False)


@pytest.fixture
def network() -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    weight = random.standard_normal((64, 256)).astype(np.float32)
    weight.reshape(-1, 4)[:, 2:] = 0
    weight[3, 4:8] = (1.0, -2.0, 0.5, 0)
    weight[9, 0:4] = (1.0, 2.0, 3.0, 4.0)
    kernels = random.standard_normal((8, 4, 3, 3)).astype(np.float32)
    return {"fc.weight": weight, "conv.weight": kernels, "fc.bias": weight[:, 0].copy()}


@pytest.fixture
def file(tmp_path: Path, network: dict[str, np.ndarray]) -> FileId:
    save_file(network, tmp_path / "model.safetensors")
    return FileId(str(tmp_path / "model.safetensors"))


def test_a_repaired_copy_is_valid_and_only_what_was_broken_changed(
    file: FileId, network: dict[str, np.ndarray], tmp_path: Path
) -> None:
    out = tmp_path / "repaired.safetensors"
    with CoreClient() as core:
        done = core.ask(RepairTo(file, OPTIONS, "2:4", str(out)))[-1]
        assert isinstance(done, Repaired)
        assert (done.out, done.tensors, done.groups, done.weights) == (str(out), 1, 2, 3)
        (refused,) = [
            a for a in core.ask(RepairTo(file, OPTIONS, "2:4", str(out))) if isinstance(a, Failed)
        ]
        assert "exists already" in refused.sentence
        (refused,) = [
            a for a in core.ask(RepairTo(file, OPTIONS, "2:4", file.path)) if isinstance(a, Failed)
        ]
        assert "is what is being read" in refused.sentence
    after = load_file(out)
    network["fc.weight"][3, 6] = 0
    network["fc.weight"][9, 0:2] = 0
    for name, array in network.items():
        assert (after[name] == array).all(), name
    assert sparse_core.scan(out, cache=False).verdict.broken == 0


def test_edges_are_exact_counts_and_norms(file: FileId, network: dict[str, np.ndarray]) -> None:
    weight = network["fc.weight"].astype(np.float64)

    def edges(tensor: str, measure: str, rows: tuple, columns: tuple) -> Profile:
        asked = ProfileWanted(0, file, OPTIONS, tensor, measure, rows, columns)
        (answer,) = core.ask(asked)
        assert isinstance(answer, Profile)
        return answer

    with CoreClient() as core:
        kept = edges("fc.weight", "kept", (0, 8, 8), (100, 3, 70))
        assert np.frombuffer(kept.rows).tolist() == (
            (weight != 0).reshape(8, 8 * 256).sum(axis=1).tolist()
        )
        columns = (weight != 0).sum(axis=0)
        expected = [columns[100 + 3 * at : 103 + 3 * at].sum() for at in range(70)]
        assert np.frombuffer(kept.columns).tolist() == expected
        assert (kept.whole_row, kept.whole_column) == (256, 64)
        norm = edges("fc.weight", "norm", (5, 1, 3), (0, 256, 1))
        np.testing.assert_allclose(
            np.frombuffer(norm.rows), np.linalg.norm(weight[5:8], axis=1), rtol=1e-12
        )
        np.testing.assert_allclose(np.frombuffer(norm.columns), [np.linalg.norm(weight)])
        channel = edges("conv.weight", "channel", (0, 1, 8), (0, 9, 4))
        of_channels = np.linalg.norm(
            network["conv.weight"].transpose(1, 0, 2, 3).reshape(4, -1), axis=1
        )
        np.testing.assert_allclose(np.frombuffer(channel.columns), of_channels, rtol=1e-6)
        (refused,) = core.ask(
            ProfileWanted(0, file, OPTIONS, "fc.weight", "kept", (0, 0, 4), (0, 1, 1))
        )
        assert isinstance(refused, Failed)
