"""Checkpoints in several files, for the tests of the readers."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file


class Shard:
    """Writes tensors into shards with an index."""

    def __call__(
        self,
        folder: Path,
        tensors: Mapping[str, torch.Tensor],
        shards: int,
        *,
        torch_files: bool = False,
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        ending = "bin" if torch_files else "safetensors"
        stem = "pytorch_model" if torch_files else "model"
        weight_map = {}
        for place in range(shards):
            part = {n: t for at, (n, t) in enumerate(tensors.items()) if at % shards == place}
            name = f"{stem}-{place + 1:05}-of-{shards:05}.{ending}"
            if torch_files:
                torch.save(part, folder / name)
            else:
                save_file(part, folder / name)
            weight_map |= dict.fromkeys(part, name)
        return self.index(folder / f"{stem}.{ending}.index.json", weight_map)

    def sparse(
        self, folder: Path, shards: int, tensors: int, shape: tuple[int, int], dtype: str = "I8"
    ) -> Path:
        """Shards of any size that take no room on the disk."""
        weight_map = {}
        size = shape[0] * shape[1]
        for place in range(shards):
            names = [f"{place}.{at}.weight" for at in range(tensors)]
            header = json.dumps(
                {
                    name: {
                        "dtype": dtype,
                        "shape": shape,
                        "data_offsets": [at * size, (at + 1) * size],
                    }
                    for at, name in enumerate(names)
                }
            ).encode()
            path = folder / f"model-{place}.safetensors"
            with path.open("wb") as file:
                file.write(struct.pack("<Q", len(header)) + header)
                file.truncate(8 + len(header) + tensors * size)
            weight_map |= dict.fromkeys(names, path.name)
        return self.index(folder / "model.safetensors.index.json", weight_map)

    @staticmethod
    def index(path: Path, weight_map: Mapping[str, str]) -> Path:
        path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
        return path


@pytest.fixture
def shard() -> Shard:
    return Shard()
