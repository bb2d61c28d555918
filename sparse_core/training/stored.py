"""torch tensors as safetensors holds them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.dtypes import DTYPES, DType
from sparse_core.errors import CheckpointError, RunError
from sparse_core.runs.tensors import Stored

_AS_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def dtype_of(tensor: Tensor) -> DType:
    """Give the row of the table of number formats."""
    return DTYPES[str(tensor.dtype).removeprefix("torch.")]


def stored(tensor: Tensor) -> Stored:
    """See a tensor as bytes: without a copy if it is contiguous and on the CPU."""
    dtype = dtype_of(tensor)
    plain = tensor.detach().cpu().contiguous()
    shape = tuple(plain.shape)
    flat = plain.reshape(-1)
    if dtype.itemsize in _AS_INTEGERS:
        flat = flat.view(_AS_INTEGERS[dtype.itemsize])
    return Stored(dtype.code, shape, flat.numpy().data.cast("B") if flat.numel() else b"")


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read one of our own safetensors files: tensors and metadata.

    Raises
    ------
    RunError
        If it is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    """Read the model of any checkpoint that Sparsescope opens; nothing of it is executed.

    Returns
    -------
    tensors, metadata
        Stored masks are applied.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    with open_checkpoint(path) as checkpoint:
        tensors = {name: read_tensor(checkpoint, name) for name in checkpoint.tensors}
        return tensors, dict(checkpoint.metadata)


def read_tensor(checkpoint: Checkpoint, name: str) -> Tensor:
    """Read one tensor of a checkpoint, its stored mask applied.

    Raises
    ------
    CheckpointError
        If torch has no such number format.
    """
    info = checkpoint.tensors[name]
    form = getattr(torch, info.dtype.name, None)
    if not isinstance(form, torch.dtype):
        raise CheckpointError(
            f"{checkpoint.path}: {name} is {info.dtype.short}, which torch does not know."
        )
    raw = bytearray(checkpoint.read(name).tobytes())
    tensor = torch.frombuffer(raw, dtype=form) if raw else torch.empty(0, dtype=form)
    kept = checkpoint.read_mask(name)
    if kept is not None:
        tensor = torch.where(torch.from_numpy(kept.copy()), tensor, torch.zeros_like(tensor))
    return tensor.reshape(info.shape)
