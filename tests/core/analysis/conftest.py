"""Checkpoints for the scan: real safetensors files, written byte by byte in any format."""

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparse_core.dtypes import DTYPES

Tensors = Mapping[str, Any]
Write = Callable[..., Path]


def _bits(values: Any) -> tuple[str, np.ndarray]:
    """Give the format's name and the raw bits of an array, or of a (format, raw) pair."""
    if isinstance(values, tuple):
        return values
    array = np.asarray(values)
    return array.dtype.name, array


def write_safetensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> Path:
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, values in tensors.items():
        dtype, raw = _bits(values)
        data = np.ascontiguousarray(raw).tobytes()
        header[name] = {
            "dtype": DTYPES[dtype].code,
            "shape": list(raw.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write tensors to a safetensors file and give its path."""

    def written(
        tensors: Tensors, name: str = "model.safetensors", metadata: Mapping[str, str] | None = None
    ) -> Path:
        return write_safetensors(tmp_path / name, tensors, metadata or {})

    return written


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the analysis cache of a test to itself."""
    home = tmp_path / "cache-home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home
