"""`scan --json` against a second opinion: plain torch and Python on the same files.

Nothing of sparse_core is imported here. Every number of a layer line is recomputed the long way.
"""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.utils.prune

ROOT = Path(__file__).resolve().parents[2]
RECOGNISED = [(n, m) for m in (4, 8, 16, 32) for n in (1, 2, 4, 8, 16) if 2 * n <= m]
KEYS = [
    "type",
    "name",
    "kind",
    "shape",
    "dtype",
    "elements",
    "rule",
    "zeros",
    "raw_zeros",
    "mask_zeros",
    "near_zeros",
    "nan",
    "inf",
    "min",
    "max",
    "mean",
    "std",
    "pattern",
    "axis",
    "ambiguous",
    "groups",
    "bad_groups",
    "zero_rows",
    "zero_columns",
    "class",
]


def scan(path: Path, *words: str, status: int = 0) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "scan", str(path), "--json", "--no-cache", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def layers(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in lines if line["type"] == "layer"}


def keep_largest(weight: torch.Tensor, n: int, m: int, dim: int) -> torch.Tensor:
    """Top-n of every m along a dimension, by a stable sort of |w|; the tail is kept."""
    moved = weight.movedim(dim, -1)
    whole = moved.shape[-1] // m * m
    groups = moved[..., :whole].reshape(*moved.shape[:-1], whole // m, m)
    order = groups.abs().float().argsort(dim=-1, stable=True)
    mask = torch.ones_like(groups, dtype=torch.bool).scatter(-1, order[..., : m - n], False)
    out = torch.ones_like(moved, dtype=torch.bool)
    out[..., :whole] = mask.reshape(*moved.shape[:-1], whole)
    return out.movedim(-1, dim)


def broken_groups(weight: torch.Tensor, n: int, m: int, dim: int) -> tuple[int, int]:
    moved = (weight != 0).movedim(dim, -1)
    whole = moved.shape[-1] // m * m
    counts = moved[..., :whole].reshape(-1, m).sum(-1)
    return len(counts), int((counts > n).sum())


def check_statistics(line: dict[str, Any], weight: torch.Tensor) -> None:
    numbers = weight.detach().double()
    finite = numbers[numbers.isfinite()]
    assert line["elements"] == weight.numel()
    assert tuple(line["shape"]) == tuple(weight.shape)
    assert line["raw_zeros"] == int((numbers == 0).sum())
    assert line["nan"] == int(numbers.isnan().sum())
    assert line["inf"] == int(numbers.isinf().sum())
    if not finite.numel():
        assert [line[key] for key in ("min", "max", "mean", "std")] == [None] * 4
        return
    assert line["min"] == pytest.approx(float(finite.min()), rel=1e-12)
    assert line["max"] == pytest.approx(float(finite.max()), rel=1e-12)
    spread = float(finite.std(correction=0))
    assert line["mean"] == pytest.approx(float(finite.mean()), rel=1e-5, abs=1e-6 * spread + 1e-30)
    assert line["std"] == pytest.approx(spread, rel=1e-5, abs=1e-30)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    half = torch.randn(64, 128)
    conv = torch.randn(32, 16, 3, 3)
    stepped = torch.randn(96, 64).bfloat16()
    return {
        "blocks.0.up_proj.weight": half * keep_largest(half, 2, 4, 1),
        "blocks.0.up_proj.bias": torch.zeros(64),
        "blocks.0.conv.weight": conv * keep_largest(conv, 1, 8, 1),
        "blocks.10.up_proj.weight": (stepped * keep_largest(stepped, 1, 16, 1)),
        "blocks.2.up_proj.weight": torch.randn(48, 64).half(),
        "blocks.3.up_proj.weight": torch.nn.functional.dropout(torch.randn(64, 64), 0.8),
        "norm.weight": 1 + 1e-4 * torch.randn(4096),
        "weird.weight": torch.tensor([[float("nan"), float("inf"), -0.0, 1.0]] * 8),
        "tiny": torch.tensor(3.5),
        "empty.weight": torch.zeros(0, 16),
        "counts": torch.arange(-3, 9),
        "float8.weight": torch.randn(32, 32).to(torch.float8_e4m3fn),
        "double.weight": torch.randn(16, 32).double(),
    }


@pytest.mark.parametrize("legacy", [False, True])
def test_every_number_of_a_layer_line(
    tmp_path: Path, state: dict[str, torch.Tensor], legacy: bool
) -> None:
    path = tmp_path / "with space ü.pt"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    lines = scan(path)
    assert [line["type"] for line in lines] == [
        "checkpoint", *["layer"] * len(state), "verdict", "timing"
    ]  # fmt: skip
    head = lines[0]
    assert head["tensors"] == len(state)
    assert head["elements"] == head["unique_elements"] == sum(t.numel() for t in state.values())
    assert head["other_tensors"] == 0
    assert head["bytes"] == sum(t.numel() * t.element_size() for t in state.values())
    found = layers(lines)
    assert set(found) == set(state)
    for name, weight in state.items():
        assert list(found[name]) == KEYS
        check_statistics(found[name], weight)
        assert found[name]["zeros"] == found[name]["raw_zeros"]
        assert found[name]["mask_zeros"] is None


def test_patterns_and_classes(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "model.pt"
    torch.save(state, path)
    found = layers(scan(path))

    def seen(name: str) -> tuple[Any, ...]:
        line = found[name]
        return line["pattern"], line["axis"], line["bad_groups"], line["class"]

    assert seen("blocks.0.up_proj.weight") == ("2:4", "in", 0, "sparse")
    assert seen("blocks.0.conv.weight") == ("1:8", "in", 0, "sparse")
    assert seen("blocks.10.up_proj.weight")[:3] == ("1:16", "in", 0)
    assert found["blocks.3.up_proj.weight"]["pattern"] is None
    assert found["blocks.3.up_proj.weight"]["class"] in ("unstructured", "broken")
    assert found["norm.weight"]["class"] == found["tiny"]["class"] == "other"
    verdict = scan(path)[-2]
    classes = [line["class"] for line in found.values()]
    for name in ("sparse", "broken", "unstructured", "dense"):
        assert verdict[name] == classes.count(name)
    assert verdict["prunable"] == len(classes) - classes.count("other")


@pytest.mark.parametrize(("n", "m"), RECOGNISED)
def test_each_recognised_pattern_of_a_matrix(tmp_path: Path, n: int, m: int) -> None:
    torch.manual_seed(n * 100 + m)
    path = tmp_path / "model.pt"
    weight = torch.randn(128, 256)
    along_in = weight * keep_largest(weight, n, m, 1)
    along_out = weight * keep_largest(weight, n, m, 0)
    torch.save({"a.weight": along_in, "b.weight": along_out}, path)
    found = layers(scan(path))
    assert (found["a.weight"]["pattern"], found["a.weight"]["axis"]) == (f"{n}:{m}", "in")
    assert (found["b.weight"]["pattern"], found["b.weight"]["axis"]) == (f"{n}:{m}", "out")
    for name, weight, dim in (("a.weight", along_in, 1), ("b.weight", along_out, 0)):
        groups, bad = broken_groups(weight, n, m, dim)
        assert (found[name]["groups"], found[name]["bad_groups"]) == (groups, bad) == (groups, 0)


def test_against_a_given_pattern(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "model.pt"
    torch.save(state, path)
    found = layers(scan(path, "--pattern", "2:4"))
    for name, dim in (("blocks.0.up_proj.weight", 1), ("blocks.3.up_proj.weight", 1),
                      ("blocks.0.conv.weight", 1), ("blocks.2.up_proj.weight", 1)):  # fmt: skip
        groups, bad = broken_groups(state[name].float(), 2, 4, dim)
        assert (found[name]["groups"], found[name]["bad_groups"]) == (groups, bad)
        assert found[name]["pattern"] == "2:4"
        rows = state[name].float().flatten(1)
        assert found[name]["zero_rows"] == int((rows == 0).all(1).sum())
        assert found[name]["zero_columns"] == int((rows == 0).all(0).sum())


def test_projected_rule(tmp_path: Path) -> None:
    torch.manual_seed(3)
    weight = torch.randn(64, 64)
    path = tmp_path / "latent.pt"
    torch.save({"epoch": 3, "state_dict": {"fc.weight": weight}}, path)
    line = layers(scan(path, "--rule", "projected", "--pattern", "1:4"))["fc.weight"]
    assert line["rule"] == "projected"
    assert (line["raw_zeros"], line["zeros"]) == (0, 64 * 64 * 3 // 4)


def test_stored_masks(tmp_path: Path) -> None:
    torch.manual_seed(4)
    layer = torch.nn.Linear(64, 32)
    torch.nn.utils.prune.l1_unstructured(layer, "weight", 0.25)
    path = tmp_path / "pruned.pt"
    torch.save({"fc." + key: value for key, value in layer.state_dict().items()}, path)
    lines = scan(path)
    line = layers(lines)["fc.weight"]
    assert line["rule"] == "stored"
    assert line["raw_zeros"] == 0
    assert line["mask_zeros"] == line["zeros"] == 512
    assert lines[0]["other_tensors"] == 1
    raw = layers(scan(path, "--rule", "zeros"))["fc.weight"]
    assert (raw["rule"], raw["zeros"]) == ("zeros", 0)


def test_near_zeros(tmp_path: Path) -> None:
    weight = torch.linspace(-1, 1, 256).reshape(8, 32)
    path = tmp_path / "near.pt"
    torch.save({"fc.weight": weight}, path)
    line = layers(scan(path, "--threshold", "0.1"))["fc.weight"]
    assert line["near_zeros"] == int(((weight.abs() < 0.1) & (weight != 0)).sum())


def test_the_gate(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "model.pt"
    torch.save(state, path)
    scan(path, "--require", "2:4", "--layers", "blocks.0.up_proj.*", status=0)
    scan(path, "--require", "2:4", "--layers", "blocks.2.*", status=1)
    scan(path, "--require", "2:4", "--layers", "no.such.*", status=1)


def test_finite_numbers_only(tmp_path: Path) -> None:
    path = tmp_path / "nan.pt"
    torch.save({"fc.weight": torch.full((8, 16), float("nan"))}, path)
    for line in scan(path):
        assert all(not isinstance(v, float) or math.isfinite(v) for v in line.values())
