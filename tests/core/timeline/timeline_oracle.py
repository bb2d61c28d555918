"""The measures of a series in plain numpy, worked out apart from the program."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def write_series(folder: Path, masks: Sequence[dict[str, Flags]], stride: int = 1) -> Path:
    """Write checkpoints whose zeros are the masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, step in enumerate(masks):
        write(folder / f"step-{number * stride:04d}.safetensors", step)
    return folder


def random_series(
    folder: Path, count: int = 5, shape: tuple[int, int] = (9, 130)
) -> tuple[Path, list[dict[str, Flags]]]:
    """Write checkpoints, ten steps apart, in which nothing depends on what was before."""
    rng = np.random.default_rng(2)
    masks = [
        {"a.fc.weight": rng.random(shape) < 0.5, "b.fc.weight": rng.random((4, 8)) < 0.5}
        for _ in range(count)
    ]
    return write_series(folder, masks, 10), masks


def write(path: Path, masks: dict[str, Flags]) -> Path:
    """Write one checkpoint: 1 where a weight is kept, −0.0 where it is not."""
    save_file({name: np.where(one, 1.0, -0.0).astype("f4") for name, one in masks.items()}, path)
    return path


def top(weight: np.ndarray[Any, Any], n: int, m: int) -> Flags:
    """Keep the n largest of every m along the inputs; the lower index of equals goes first."""
    groups = np.abs(weight).reshape(-1, m)
    order = np.argsort(groups, axis=1, kind="stable")
    mask = np.ones(groups.shape, bool)
    np.put_along_axis(mask, order[:, : m - n], False, axis=1)
    return mask.reshape(weight.shape)


def projected(path: Path, n: int, m: int) -> dict[str, Flags]:
    """Project every matrix of a checkpoint."""
    return {
        name: top(one, n, m)
        for name, one in sorted(load_file(path).items())
        if one.ndim == 2 and one.shape[1] % m == 0
    }


def rows(steps: Sequence[int], masks: Sequence[dict[str, Flags]]) -> dict[tuple[int, str], tuple]:
    """Give (step, layer) -> (entries, sad, births, deaths); layer "" is the total."""
    found = {}
    for at in range(1, len(masks)):
        total = np.zeros(4, int)
        for name, after in masks[at].items():
            before = masks[at - 1].get(name)
            if before is None or before.shape != after.shape:
                continue
            births, deaths = int((after & ~before).sum()), int((before & ~after).sum())
            numbers = np.array([after.size, births + deaths, births, deaths])
            found[steps[at], name] = tuple(numbers.tolist())
            total += numbers
        found[steps[at], ""] = tuple(total.tolist())
    return found


def told(line: Any) -> dict[tuple[int, str], tuple]:
    """Give the same of a timeline."""
    return {
        (one.step, one.layer or ""): (one.entries, one.sad, one.births, one.deaths)
        for one in line.changes()
    }
