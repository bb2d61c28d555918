"""``make gpu-check`` without a GPU: its refusal, its table, and what it calls wrong."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import torch

from sparse_core.messages.speed import SpeedRow, Unavailable

TOOL = Path(__file__).resolve().parents[3] / "tools" / "gpu_check.py"
ROW = SpeedRow(
    "64x64 2:4", (64, 64), "2:4", 8, "float16", "cuda:0", 1, "semi_structured",
    1.0, 2.0, 0.9, 1.1, 20, 2.0, 1.9, 2.1, 1e-3, 4608,
)  # fmt: skip


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("gpu_check", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_without_a_gpu_it_says_so():
    done = subprocess.run(
        [sys.executable, TOOL], capture_output=True, text=True, check=False,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "No CUDA device: nothing was checked and nothing was timed here.\n"
    assert done.stdout == ""


def test_what_is_wrong_is_marked(tool, capsys):
    spoiled = [msgspec.structs.replace(ROW, max_error=error) for error in (0.3, float("nan"))]
    refusal = Unavailable("nm_triton", "64x64 2:4", "no")
    assert tool.report([ROW, *spoiled, refusal, refusal]) == spoiled
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("WRONG") for line in lines[1:4]] == [False, True, True]
    assert lines[4:] == ["64x64 2:4          nm_triton cannot run: no"]
    assert " 2.00 [ 1.90,  2.10] " in lines[1]


@pytest.fixture
def small(tool, stand_ins, monkeypatch, tmp_path):
    """A run that a CPU with stand-ins does in a moment."""
    monkeypatch.setattr(tool, "ODD_SHAPES", ((33, 70),))
    monkeypatch.setattr(tool, "PATTERNS", ("2:4",))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="1-2"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "stand-in")
    return stand_ins


@pytest.mark.slow
def test_a_whole_check(tool, small, capsys):
    assert tool.run("cpu", 64, [8], 0.0) == 0
    said = capsys.readouterr().out
    assert "Every product is right." in said
    assert "Timings, 64 x 64" in said
    assert said.count("semi_structured") >= 8
    assert "Clocks and power were not read" in said


@pytest.mark.slow
def test_a_wrong_product_fails_the_check(tool, small, capsys, monkeypatch):
    monkeypatch.setattr(tool, "TOLERANCE", tool.TOLERANCE | {"float16": 1e-9})
    assert tool.run("cpu", 64, [8], 0.0) == tool.WRONG
    assert "wrong products." in capsys.readouterr().out
