"""Packed masks on disk, and what changed between two of them."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open

from sparse_core.errors import RunError, SparseError
from sparse_core.masks import PackedMask
from sparse_core.runs.tensors import Stored, write_tensors


class Change(msgspec.Struct, frozen=True):
    """How two masks of one weight differ.

    Attributes
    ----------
    entries : int
        Weights.
    births, deaths : int
        Newly kept, newly pruned.
    """

    entries: int
    births: int
    deaths: int

    @property
    def sad(self) -> int:
        """Sparse architecture divergence: the number of entries that differ."""
        return self.births + self.deaths

    @property
    def flip_rate(self) -> float:
        """Share of the entries that differ."""
        return self.sad / self.entries if self.entries else 0.0

    def __add__(self, other: "Change") -> "Change":
        """Add up layers: counts add, rates do not."""
        return Change(
            self.entries + other.entries, self.births + other.births, self.deaths + other.deaths
        )


def change(before: PackedMask, after: PackedMask) -> Change:
    """Compare two masks of the same shape."""
    births = np.bitwise_count(after.words & ~before.words).sum(dtype=np.int64)
    deaths = np.bitwise_count(before.words & ~after.words).sum(dtype=np.int64)
    return Change(after.layout.elements, int(births), int(deaths))


def write_masks(path: Path, masks: Mapping[str, PackedMask]) -> int:
    """Write the masks of one step, each as the bytes of ``PackedMask.to_bytes``.

    Not waited for: a mask that a power cut takes is only a gap in the timeline.
    """
    stored = {}
    for name, mask in masks.items():
        data = mask.to_bytes()
        stored[name] = Stored("U8", (len(data),), data)
    return write_tensors(path, stored, durable=False)


def read_masks(path: Path, only: str | None = None) -> dict[str, PackedMask]:
    """Read the masks of one step.

    Parameters
    ----------
    path : Path
    only : str, optional
        Read this layer alone; nothing where the file has no such layer.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            names = [name for name in file.keys() if only in (None, name)]  # noqa: SIM118 - no dict
            return {name: PackedMask.from_bytes(file.get_tensor(name).tobytes()) for name in names}
    except (OSError, SafetensorError, SparseError, KeyError, ValueError) as error:
        raise RunError(f"The masks in {path} cannot be read: {error}.") from error
