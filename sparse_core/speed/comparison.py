"""Dense and sparse side by side: interleaved rounds, checked outputs, marked disturbances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from sparse_core.errors import SparseError
from sparse_core.inference.backends import BY_NAME, Backend, Prepared
from sparse_core.inference.layer import SparseLayer, apply_dense
from sparse_core.speed.rounds import Effort, rounds
from sparse_core.speed.statistics import Ratio, Spread, ratio, spread


@dataclass(frozen=True)
class Setting:
    """Where and how a layer runs: the same for every contender."""

    device: str = "cpu"
    batch: int = 64
    threads: int = 1


@dataclass(frozen=True)
class Contender:
    """One backend's times and its distance from the exact product.

    ``max_error`` is the largest |difference| to the product in fp64, over the largest |output|.
    """

    backend: str
    nbytes: int
    spread: Spread
    ratio: Ratio
    max_error: float


@dataclass(frozen=True)
class Comparison:
    """All contenders of one layer at one batch, the dense baseline first."""

    layer: str
    setting: Setting
    contenders: tuple[Contender, ...]
    disturbed: bool
    remarks: tuple[str, ...] = ()


def compare(
    layer: SparseLayer,
    backends: Sequence[Backend],
    setting: Setting,
    effort: Effort,
    cancelled: Callable[[], bool] = lambda: False,
    ready: Mapping[str, Prepared] | None = None,
) -> Comparison:
    """Time backends against the dense product of the same layer.

    Rounds run every contender once, in random order, so that drift of clocks and neighbours hits
    all alike. A comparison during which other processes computed is repeated, and marked when the
    repetition was disturbed too.

    Parameters
    ----------
    ready : mapping of str to Prepared, optional
        Backends whose form of the layer was made already, by name.

    Raises
    ------
    SparseError
        If a backend cannot prepare the layer.
    Cancelled
        If ``cancelled`` said so.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(setting.threads)
    try:
        with torch.inference_mode():
            return _compare(layer, backends, setting, effort, cancelled, ready or {})
    finally:
        torch.set_num_threads(before)


def _compare(
    layer: SparseLayer,
    backends: Sequence[Backend],
    setting: Setting,
    effort: Effort,
    cancelled: Callable[[], bool],
    ready: Mapping[str, Prepared],
) -> Comparison:
    contenders = [BY_NAME["dense"], *(b for b in backends if b.name != "dense")]
    device, batch = setting.device, setting.batch
    prepared = [
        ready.get(b.name) or b.prepare(layer, device, batch, setting.threads) for b in contenders
    ]
    x = layer.inputs(batch, device)
    errors = [_error(layer, one, x) for one in prepared]
    timed = rounds([partial(one.run, x) for one in prepared], device, effort, cancelled)
    times = timed.seconds
    rows = zip(contenders, prepared, times, errors, strict=True)
    found = tuple(
        Contender(backend.name, one.nbytes, spread(series), ratio(times[0], series), error)
        for backend, one, series, error in rows
    )
    return Comparison(layer.name, setting, found, timed.disturbed, timed.remarks)


def _error(layer: SparseLayer, prepared: Prepared, x: Tensor) -> float:
    """Distance of an output from the exact product, over the largest exact output."""
    bias = None if layer.bias is None else layer.bias.double()
    exact = apply_dense(layer, layer.weight.double(), bias, x.cpu().double())
    found = prepared.run(x).cpu().double()
    if found.shape != exact.shape:
        raise SparseError(f"{layer.name}: an output of shape {tuple(found.shape)} came back.")
    same = (found == exact) | (found.isnan() & exact.isnan())
    distance = torch.where(same, 0.0, (found - exact).abs())
    scale = float(exact[exact.isfinite()].abs().max()) if exact.isfinite().any() else 1.0
    return float(distance.max()) / (scale or 1.0) if distance.numel() else 0.0
