"""The masks of a moment, and what changed since the last ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.masks import PackedMask, pack
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import Change, change, read_masks, write_masks
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Method


class Snapshot(msgspec.Struct, frozen=True):
    """Packed masks by layer name, of one step."""

    step: int
    masks: Mapping[str, PackedMask]


def take(method: Method, step: int) -> Snapshot:
    """Pack the masks of now."""
    return Snapshot(
        step,
        {layer.name: packed(method.mask(layer), layer) for layer in method.layers},
    )


def packed(mask: Tensor, layer: SparseLayer) -> PackedMask:
    """Pack a mask of bool, in the shape of the weight."""
    return pack(mask.cpu().contiguous().numpy(), layer.layout)


def last_snapshot(folder: RunFolder, step: int) -> Snapshot | None:
    """Read the latest masks of a run up to a step; None if there are none that can be read."""
    for earlier in reversed(folder.steps(folder.masks)):
        if earlier <= step:
            try:
                return Snapshot(earlier, read_masks(folder.mask(earlier)))
            except RunError:
                continue
    return None


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write the masks."""
    write_masks(path, snapshot.masks)


def changes(before: Snapshot | None, after: Snapshot) -> dict[str, Any]:
    """Give the fields of a mask event: what changed in each layer and in all together.

    Without masks before, nothing changed and the rate is None.
    """
    names: Sequence[str] = tuple(after.masks)
    rows = [_change(before, after, name) for name in names]
    total = sum(rows, Change(0, 0, 0))
    kept = [after.masks[name].kept() for name in names]
    return {
        "since": before.step if before else None,
        "layers": names,
        "entries": tuple(row.entries for row in rows),
        "kept": tuple(kept),
        "sad": tuple(row.sad for row in rows),
        "births": tuple(row.births for row in rows),
        "deaths": tuple(row.deaths for row in rows),
        "sparsity": 1 - sum(kept) / total.entries,
        "flip_rate": total.flip_rate if before else None,
    }


def _change(before: Snapshot | None, after: Snapshot, name: str) -> Change:
    new = after.masks[name]
    old = before.masks.get(name) if before else None
    if old is None or old.words.shape != new.words.shape:
        return Change(new.layout.elements, 0, 0)
    return change(old, new)
