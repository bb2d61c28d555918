"""The public names: what a script gets from ``import sparse_core``."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sparse_core
from sparse_core import NMPattern
from sparse_core.errors import PatternError, SparseError


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sparse_core, sys; print({'numpy', 'msgspec', 'torch'} & set(sys.modules))"
    root = Path(sparse_core.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "set()\n"


def test_a_projection_keeps_the_largest_and_drops_the_lower_index_of_equals() -> None:
    assert sparse_core.project([[0.1, -0.4, 0.2, 0.3]], "2:4").tolist() == [
        [False, True, False, True]
    ]
    assert sparse_core.project([1, 1, 1, 1], "2:4").tolist() == [False, False, True, True]
    assert sparse_core.project([np.nan, np.inf, 1, 2], "1:4").tolist() == [True] + [False] * 3
    assert sparse_core.project([3.0, 1, 2, 4, 9], "1:4").tolist() == [False] * 3 + [True] * 2


def test_a_projection_runs_along_its_axis() -> None:
    values = np.arange(32.0).reshape(4, 4, 1, 2)
    by_channel = sparse_core.project(values, NMPattern(2, 4))
    assert by_channel.sum(1).tolist() == [[[2, 2]]] * 4
    by_kernel = sparse_core.project(values, NMPattern(2, 4, "kernel"))
    assert by_kernel.reshape(-1, 4).sum(1).tolist() == [2] * 8
    assert sparse_core.project(values, NMPattern(1, 4, "out"))[3].all()
    experts = np.arange(24.0).reshape(2, 3, 4)
    assert sparse_core.project(experts, "1:4", kind="experts").sum(2).tolist() == [[1] * 3] * 2


def test_masks_pack_to_bits_and_back() -> None:
    mask = np.random.default_rng(0).random((5, 131)) < 0.5
    packed = sparse_core.pack(mask)
    assert packed.kept() == int(mask.sum())
    assert np.array_equal(sparse_core.unpack(packed), mask)


def test_what_has_no_weights_is_refused() -> None:
    with pytest.raises(SparseError, match="convert it"):
        sparse_core.project(np.array([object()] * 4), "2:4")
    with pytest.raises(PatternError):
        sparse_core.project([1.0], "4:2")
