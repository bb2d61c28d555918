"""Our Triton kernels without a GPU: interpreted, compiled ahead of time, and refused cleanly."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from sparse_core.inference.backends import BY_NAME, nm_triton
from sparse_core.inference.layer import Convolution, SparseLayer
from sparse_core.inference.nm_slots import dot_blocks, gather_blocks, slots_of, span_of
from sparse_core.inference.whole_groups import raw_of
from sparse_core.patterns import NMPattern
from sparse_core.speed.layers import made_layer

HERE = Path(__file__).parent
BACKEND = BY_NAME["nm_triton"]
SHARED_BYTES = {80: 163 << 10, 86: 99 << 10, 90: 227 << 10, 100: 227 << 10, 120: 99 << 10}
"""Shared memory that a program may have, by target (CUDA's tables)."""
MATRIX_INSTRUCTION = {80: "HMMA", 86: "HMMA", 90: "HMMA|HGMMA", 100: "HMMA|UTCHMMA", 120: "HMMA"}
LARGEST_REGISTERS = 255


@pytest.mark.slow
def test_the_kernels_are_right_in_the_interpreter():
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, HERE / "interpreted_kernels.py"],
        env=environment, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == 48


@pytest.mark.slow
@pytest.mark.parametrize("target", SHARED_BYTES)
def test_every_shipped_cut_compiles_within_the_limits(tmp_path, target):
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path / "triton")}
    done = subprocess.run(
        [sys.executable, HERE / "compiled_kernels.py", str(target), tmp_path],
        env=environment, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    facts = [line.split() for line in done.stdout.splitlines()]
    shipped = 2 * len(gather_blocks(1)) + len(dot_blocks(NMPattern(2, 4), 64))
    assert len(facts) > shipped
    for name, shared in facts:
        cubin = tmp_path / f"{name}.cubin"
        assert int(shared) <= SHARED_BYTES[target], name
        code = _cuobjdump(cubin)
        registers = int(re.search(r"\bREG:(\d+)", code)[1])
        assert registers <= LARGEST_REGISTERS, name
        # Spills into the stack show there, and not as local memory.
        assert re.search(r"\bSTACK:0\b.*\bLOCAL:0\b", code), f"{name} spills"
        assert re.search(r"\bLDG\.", code), name
        assert re.search(r"\bSTG\.", code), name
        assert not re.search(r"\b(LDL|STL)\b", code), name
        multiplied = MATRIX_INSTRUCTION[target] if name.startswith("nm_dot") else "FFMA2?"
        assert re.search(rf"\b({multiplied})\b", code), name


def _cuobjdump(cubin: Path) -> str:
    """Resource usage and instructions of a compiled kernel."""
    spec = find_spec("triton")
    tool = Path(spec.origin).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    return subprocess.run(
        [tool, "--dump-resource-usage", "-sass", cubin],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize("text", ["1:2", "2:4", "1:4", "3:5", "4:8", "1:16", "3:24", "2:64"])
@pytest.mark.parametrize("columns", [128, 131])
def test_slots_hold_the_weight(text, columns):
    pattern = NMPattern.parse(text)
    weight = made_layer((6, columns), pattern, torch.float16).weight
    weight[weight == 0] = 0  # not -0, which has no place
    slots = slots_of(*raw_of(weight), (6, columns), pattern, torch.float16)
    per = 8 // slots.width
    _, rows, groups = slots.values.shape
    octets = slots.positions.numpy()
    dense = torch.zeros(rows, groups, pattern.m, dtype=torch.float16)
    for slot, row, group in np.ndindex(*slots.values.shape):
        octet = int(octets[slot, row, group // per])
        place = octet >> group % per * slots.width & (1 << slots.width) - 1
        dense[row, group, place] = slots.values[slot, row, group]
    whole = dense.reshape(rows, -1)
    found = whole if slots.rest is None else torch.cat([whole, slots.rest], dim=1)
    assert torch.equal(found.view(torch.int16), weight.view(torch.int16))


def test_what_the_slots_weigh():
    layer = made_layer((64, 128), NMPattern(2, 4), torch.bfloat16)
    slots = slots_of(*raw_of(layer.weight), (64, 128), NMPattern(2, 4), torch.bfloat16)
    assert slots.nbytes / layer.weight.nbytes == 0.5625


def test_tiles_are_powers_of_two_and_hold_whole_groups():
    for text in ("2:4", "3:5", "1:16", "5:64"):
        pattern = NMPattern.parse(text)
        for batch in (1, 3, 4, 5, 16, 33, 64):
            for blocks in (*gather_blocks(min(batch, 4)), *dot_blocks(pattern, batch)):
                for side in (blocks.rows, blocks.groups, blocks.batch):
                    assert side & (side - 1) == 0
            assert all(
                one.groups * span_of(pattern) >= 16 and one.batch >= 16
                for one in dot_blocks(pattern, batch)
            )


@pytest.mark.parametrize(
    ("layer", "batch", "reason"),
    [
        (SparseLayer("c", torch.zeros(8, 8, 1, 1), None, None, Convolution()), 1, "linear layers"),
        (SparseLayer("d", torch.zeros(8, 8).double(), None, NMPattern(2, 4)), 1, "torch.float64"),
        (SparseLayer("e", torch.zeros(8, 8)), 1, "no N:M pattern"),
        (SparseLayer("f", torch.zeros(8, 8), None, NMPattern(2, 4, "out")), 1, "the outputs"),
        (SparseLayer("g", torch.zeros(8, 8), None, NMPattern(2, 4)), 65, "above batch 64"),
        (SparseLayer("h", torch.zeros(8, 8), None, NMPattern(2, 4)), 1, "active drivers"),
    ],
)
def test_refusals_name_their_reason(no_gpu_asked, layer, batch, reason):
    assert reason in BACKEND.supports(layer, "cpu", batch).reason


LAYER = SparseLayer("fc", torch.zeros(8, 8), None, NMPattern(2, 4))


def test_without_triton_that_is_the_reason(no_gpu_asked, monkeypatch):
    monkeypatch.setattr(nm_triton, "find_spec", lambda name: None)
    assert BACKEND.supports(LAYER, "cpu", 1).reason == "triton is not installed"


def test_a_broken_compiler_is_a_reason(no_gpu_asked, monkeypatch):
    from sparse_core.inference import triton_product

    def fail(*_):
        raise subprocess.CalledProcessError(1, ["gcc"])

    monkeypatch.setattr(triton_product, "multiply", fail)
    assert "non-zero exit status 1" in BACKEND.supports(LAYER, "cpu", 1).reason
