"""The command line as it is run: in a process of its own, with a cache of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import sparse_core
from sparse_core.__main__ import main

# Children forked by a command then find it imported.
assert callable(sparse_core.scan)

ROOT = Path(__file__).resolve().parents[3]

Ended = subprocess.CompletedProcess[str]
Cli = Callable[..., Ended]
Save = Callable[..., Path]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run ``python -m sparse_core WORDS`` somewhere else."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path / "cache-home"),
        "OMP_NUM_THREADS": "1",
    }

    def run(
        *words: str | Path,
        cwd: Path | None = None,
        start: Sequence[str] = ("-m", "sparse_core"),
        **extra: str,
    ) -> Ended:
        return subprocess.run(
            [sys.executable, "-P", *start, *map(str, words)],
            cwd=cwd or tmp_path,
            env=environment | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run the same words from this process, which spares the start of an interpreter."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))

    def run(*words: str | Path) -> Ended:
        given = [str(word) for word in words]
        status = main(given)
        shown = capfd.readouterr()
        return subprocess.CompletedProcess(given, status, shown.out, shown.err)

    return run


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write tensors to a safetensors file."""

    def saved(tensors: Mapping[str, Any], name: str = "model.safetensors") -> Path:
        path = tmp_path / name
        save_file({key: np.ascontiguousarray(one) for key, one in tensors.items()}, path)
        return path

    return saved
