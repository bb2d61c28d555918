"""Which backend each layer of a model runs on, and a model that does it."""

import copy
from collections.abc import Collection
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.errors import SparseError
from sparse_core.inference.backends import BY_NAME, Prepared
from sparse_core.inference.layer import Convolution, SparseLayer
from sparse_core.patterns import Axis, NMPattern


class Choice(msgspec.Struct, frozen=True):
    """The backend of one layer and what was measured for it."""

    layer: str
    backend: str
    pattern: str | None
    axis: Axis = "in"
    ratio: float = 1.0
    ratio_low: float = 1.0
    ratio_high: float = 1.0


class Plan(msgspec.Struct, frozen=True):
    """A choice for each layer, and the setting it was measured in."""

    device: str
    batch: int
    threads: int
    choices: tuple[Choice, ...]
    version: int = 1

    def of(self, layers: Collection[str]) -> "Plan":
        """Give the plan of some layers."""
        chosen = tuple(choice for choice in self.choices if choice.layer in layers)
        return msgspec.structs.replace(self, choices=chosen)

    def save(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read a plan.

        Raises
        ------
        SparseError
            If the file is no plan, or of a newer version.
        """
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise SparseError(f"{path} is no plan of a speed test: {error}.") from error
        if plan.version > 1:
            raise SparseError(f"{path} was written by a newer Sparsescope: update this one.")
        return plan


class Planned(nn.Module):
    """A layer that runs on a backend; for inference only."""

    def __init__(self, prepared: Prepared, backend: str) -> None:
        super().__init__()
        self._prepared = prepared
        self.backend = backend

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to ``(..., in)`` or ``(batch, in, height, width)``."""
        if torch.is_grad_enabled() and x.requires_grad:
            raise SparseError("A planned model is for inference: call it under torch.no_grad().")
        if x.ndim in (2, 4):
            return self._prepared.run(x)
        flat = self._prepared.run(x.reshape(-1, x.shape[-1]))
        return flat.reshape(*x.shape[:-1], flat.shape[-1])

    def extra_repr(self) -> str:
        """Name the backend in the model's print."""
        return self.backend


def apply(model: nn.Module, plan: Plan) -> nn.Module:
    """Make a model that runs a plan; the given one stays as it is.

    Parameters
    ----------
    model : nn.Module
        With the weights that were measured.
    plan : Plan
        Layers that it does not name stay torch's.

    Raises
    ------
    SparseError
        If the plan names a layer that the model lacks, or a layer does not fit its backend.
    """
    planned = copy.deepcopy(model).eval()
    modules = dict(planned.named_modules())
    for choice in plan.choices:
        if choice.backend == "dense":
            continue
        name = choice.layer.removesuffix(".weight")
        module = modules.get(name)
        if not isinstance(module, nn.Linear | nn.Conv2d):
            raise SparseError(f"The plan names {name}, which is no linear or conv layer here.")
        layer = layer_of(name, module, choice)
        backend = BY_NAME[choice.backend]
        support = backend.supports(layer, plan.device, plan.batch)
        if not support:
            raise SparseError(f"{name} cannot run on {choice.backend}: {support.reason}.")
        prepared = backend.prepare(layer, plan.device, plan.batch, plan.threads)
        _replace(planned, name, Planned(prepared, choice.backend))
    return planned


def layer_of(name: str, module: nn.Linear | nn.Conv2d, choice: Choice) -> SparseLayer:
    """See a module as a layer for the backends."""
    pattern = None if choice.pattern is None else NMPattern.parse(choice.pattern, choice.axis)
    convolution = None
    if isinstance(module, nn.Conv2d):
        if isinstance(module.padding, str) or module.padding_mode != "zeros":
            raise SparseError(
                f"{name} pads with {module.padding_mode!r}: only zeros can be planned."
            )
        convolution = Convolution(
            _pair(module.stride), _pair(module.padding), _pair(module.dilation), module.groups
        )
    bias = None if module.bias is None else module.bias.detach()
    return SparseLayer(name, module.weight.detach(), bias, pattern, convolution)


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    return sizes[0], sizes[-1]


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in another's place."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
