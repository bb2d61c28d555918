"""What the readers are measured against: torch.load's tensors, as raw bits."""

from pathlib import Path

import numpy as np
import torch

from sparse_core.checkpoints import Checkpoint

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu,
    torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.bool,
    torch.complex64, torch.complex128,
]  # fmt: skip


def random_tensor(dtype: torch.dtype, *shape: int, seed: int = 0) -> torch.Tensor:
    """Random bits of a format, about a third of them zero."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if dtype == torch.bool:
        return torch.from_numpy(random.random(shape) < 0.5)
    bits = random.integers(0, 256, (count, dtype.itemsize), np.uint8)
    bits[random.random(count) < 0.3] = 0
    return torch.from_numpy(bits.reshape(-1)).view(dtype).reshape(shape)


def bits_of(tensor: torch.Tensor) -> bytes:
    """The bits of a tensor in row-major order."""
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def assert_equal(checkpoint: Checkpoint, expected: dict[str, torch.Tensor]) -> None:
    """Every tensor has the name, format, shape and bits that the oracle gives it."""
    assert set(checkpoint.tensors) == set(expected)
    for name, tensor in expected.items():
        info = checkpoint.tensors[name]
        assert info.dtype.name == str(tensor.dtype).removeprefix("torch."), name
        assert info.shape == tuple(tensor.shape), name
        assert info.elements == tensor.numel(), name
        raw = checkpoint.read(name)
        assert raw.shape == (info.elements,)
        assert raw.dtype == np.dtype(info.dtype.raw)
        assert raw.flags.aligned
        assert raw.flags.c_contiguous
        assert raw.tobytes() == bits_of(tensor), name


def assert_ranges(checkpoint: Checkpoint, name: str, cuts: int = 7) -> None:
    """Ranges of elements are cuts of the whole."""
    whole = checkpoint.read(name)
    step = max(1, len(whole) // cuts)
    for start in range(0, len(whole), step):
        stop = min(len(whole), start + step + 3)
        assert checkpoint.read(name, start, stop).tobytes() == whole[start:stop].tobytes()


def save_dcp(path: Path, state: dict[str, object]) -> Path:
    """Write a DCP folder in this process."""
    import warnings

    import torch.distributed.checkpoint as dcp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save(state, checkpoint_id=str(path))
    return path
