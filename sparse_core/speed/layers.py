"""The layers of a speed test: those of a checkpoint, or shapes and patterns made up."""

import fnmatch
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sparse_core.analysis.measure import mask_of
from sparse_core.checkpoints import Checkpoint
from sparse_core.dtypes import DType
from sparse_core.errors import SparseError
from sparse_core.inference.layer import Convolution, SparseLayer
from sparse_core.masks.layout import layout_of
from sparse_core.masks.packed import unpack
from sparse_core.messages import LayerReport, ScanOptions
from sparse_core.patterns import Axis, NMPattern
from sparse_core.training.projection import nm_mask

DTYPES = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp64": torch.float64,
}
"""The formats a speed test can be asked for, by the name on screen."""
IMAGE = (28, 28)
"""Input size of a convolution when only its weight is known."""


def made_layer(shape: tuple[int, ...], pattern: NMPattern, dtype: torch.dtype) -> SparseLayer:
    """Make a random layer that has a pattern; the same every time."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(shape, generator=generator)
    kind = "conv" if len(shape) == 4 else "linear"
    weight *= nm_mask(weight, layout_of(shape, kind), pattern)
    name = f"{'x'.join(map(str, shape))} {pattern}"
    return _with_image(SparseLayer(name, weight.to(dtype), None, pattern))


def layers_of(
    checkpoint: Checkpoint, reports: Sequence[LayerReport], glob: str, dtype: torch.dtype | None
) -> Iterator[SparseLayer]:
    """Read the linear and conv weights of a checkpoint, one for each distinct shape and pattern.

    Parameters
    ----------
    checkpoint : Checkpoint
    reports : sequence of LayerReport
        Of its scan: they say kind and pattern.
    glob : str
        Which layers.
    dtype : torch.dtype or None
        The format to time in; None is the one of the file.
    """
    first = {names[0] for names in twins_of(reports, glob).values()}
    for report in reports:
        if report.name not in first:
            continue
        raw = checkpoint.read(report.name)
        weight = to_tensor(raw, checkpoint.tensors[report.name].dtype).reshape(report.shape)
        if report.rule != "zeros":
            # Latent weights, or masks beside them: what runs is what the mask leaves.
            mask = unpack(mask_of(checkpoint, report.name, ScanOptions()))
            weight *= torch.from_numpy(mask.reshape(report.shape))
        pattern = _pattern(report)
        yield _with_image(SparseLayer(report.name, weight.to(dtype or weight.dtype), None, pattern))


def twins_of(reports: Sequence[LayerReport], glob: str) -> dict[str, tuple[str, ...]]:
    """Give the layers that can be timed, those of one shape and pattern under the first of them."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for report in reports:
        wanted = report.kind in ("linear", "conv") and len(report.shape) in (2, 4)
        if wanted and report.input_dim in (None, 1) and fnmatch.fnmatch(report.name, glob):
            key = (report.shape, report.pattern, report.axis, report.dtype)
            alike.setdefault(key, []).append(report.name)
    return {names[0]: tuple(names) for names in alike.values()}


def to_tensor(raw: object, dtype: DType) -> Tensor:
    """Give raw bits to torch, copied."""
    target = getattr(torch, dtype.name, None)
    if not isinstance(target, torch.dtype):
        raise SparseError(f"This torch has no {dtype.name}.")
    octets = torch.frombuffer(bytearray(memoryview(raw)), dtype=torch.uint8)  # type: ignore[arg-type]
    return octets.view(target)


def _pattern(report: LayerReport) -> NMPattern | None:
    """Give the pattern that a layer holds everywhere."""
    if report.pattern is None or report.bad_groups:
        return None
    axis: Axis = "in"
    if report.axis in ("in", "out", "kernel"):
        axis = report.axis  # type: ignore[assignment]
    return NMPattern.parse(report.pattern, axis)


def _with_image(layer: SparseLayer) -> SparseLayer:
    """Give a convolution an input size: that of its channels is not in the weight."""
    if layer.weight.ndim != 4:
        return layer
    height, width = (int(side) for side in layer.weight.shape[2:])
    conv = Convolution(padding=(height // 2, width // 2))
    return SparseLayer(layer.name, layer.weight, layer.bias, layer.pattern, conv, IMAGE)
