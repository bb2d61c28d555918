"""Checkpoints of a run: plain names, and what readers must know in the metadata."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from sparse_core.analysis.claims import LAYERS
from sparse_core.checkpoints import own
from sparse_core.runs.atomic import disk_errors
from sparse_core.runs.folder import RunFolder, step_name
from sparse_core.runs.tensors import Stored, write_tensors
from sparse_core.training.job import Job
from sparse_core.training.layers import load_plain, plain_state
from sparse_core.training.stored import read_file, stored
from sparse_core.training.world import World

NOTES = "sparsescope.json"
"""Where a distributed checkpoint keeps what a file keeps in its metadata."""


def metadata_of(job: Job, step: int) -> dict[str, str]:
    """Say in words how the masks of a checkpoint are to be read."""
    words = {own.METHOD: job.method.name, own.STEP: str(step)}
    if job.pattern is not None and job.method.patterned:
        words |= {own.PATTERN: str(job.pattern), own.AXIS: job.pattern.axis}
        words[LAYERS] = json.dumps([layer.name for layer in job.layers])
        if job.method.rule == own.PROJECTED:
            words[own.RULE] = own.PROJECTED
    return words | job.method.notes()


def save_weights(job: Job, folder: RunFolder, step: int, world: World) -> tuple[Path, int]:
    """Write the weights of a step.

    Returns
    -------
    path, bytes
        The file, or under FSDP the folder, and its size.
    """
    words = metadata_of(job, step)
    if world.sharded:
        return _save_sharded(job.model, folder, step, words, world)
    path = folder.checkpoints / f"{step_name(step)}.safetensors"
    if world.rank:
        return path, 0
    return path, write_tensors(path, _stored_state(job.model), words)


def load_weights(model: nn.Module, path: Path) -> None:
    """Read back what ``save_weights`` wrote."""
    if path.is_dir():
        from torch.distributed.checkpoint.state_dict_loader import load

        load(_sharded_state(model), checkpoint_id=path)
        return
    tensors, _ = read_file(path)
    load_plain(model, tensors, str(path))


def _stored_state(model: nn.Module) -> dict[str, Stored]:
    return {name: stored(tensor) for name, tensor in plain_state(model).items()}


def _sharded_state(model: nn.Module) -> dict[str, Tensor]:
    return dict(plain_state(model))


def _save_sharded(
    model: nn.Module, folder: RunFolder, step: int, words: Mapping[str, str], world: World
) -> tuple[Path, int]:
    """Let every process write its rows; the folder appears when all are done."""
    from torch.distributed.checkpoint.state_dict_saver import save

    path = folder.checkpoints / step_name(step)
    partial = path.with_name(f".{path.name}.partial")
    with disk_errors(path):
        save(_sharded_state(model), checkpoint_id=partial)
        size = 0
        if not world.rank:
            (partial / NOTES).write_text(json.dumps(dict(words), indent=2))
            size = sum(file.stat().st_size for file in partial.iterdir())
            shutil.rmtree(path, ignore_errors=True)
            partial.rename(path)
    world.wait()
    return path, size
