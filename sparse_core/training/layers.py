"""Sparse layers of a model: their weights, their names, and what stands between them and use.

A method that changes weights on their way into the product registers a parametrization
(``torch.nn.utils.parametrize``): the module goes on reading ``self.weight``, the optimizer and
DDP or FSDP2 see the dense *latent* parameter. Names in files are always the plain ones.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.utils import parametrize

from sparse_core.errors import RunError
from sparse_core.masks.layout import Layout
from sparse_core.patterns import NMPattern

_INSIDE = "parametrizations."
_ORIGINAL = ".original"


class SparseLayer:
    """One weight that a method makes sparse.

    Parameters
    ----------
    name : str
        Plain name of the weight: ``layers.0.weight``.
    module : nn.Module
        The module that owns it.
    layout : Layout
        What its dimensions mean.
    pattern : NMPattern or None
        The pattern it is meant to get.

    Notes
    -----
    The parameter is looked up at each use: FSDP2 puts another one in its place.
    """

    def __init__(
        self, name: str, module: nn.Module, layout: Layout, pattern: NMPattern | None
    ) -> None:
        self.name = name
        self.module = module
        self.layout = layout
        self.pattern = pattern
        self.parameter = name.rpartition(".")[2]

    @property
    def latent(self) -> nn.Parameter:
        """The dense parameter that the optimizer changes."""
        owner = self.module
        if parametrize.is_parametrized(owner, self.parameter):
            return owner.get_parameter(f"parametrizations.{self.parameter}.original")
        return owner.get_parameter(self.parameter)

    def whole(self) -> Tensor:
        """Give the weight without gradient; under FSDP2 gathered from all processes."""
        return gathered(self.latent.detach())

    def spread(self, tensor: Tensor) -> Tensor:
        """Give a tensor in the weight's shape as the weight lies: under FSDP2, this rank's rows."""
        return spread_like(tensor, self.latent)

    def between(self, transform: nn.Module) -> None:
        """Let ``transform`` change the weight on its way into the product."""
        parametrize.register_parametrization(self.module, self.parameter, transform, unsafe=True)

    def pattern_or_raise(self) -> NMPattern:
        """Give the pattern of a layer that must have one."""
        if self.pattern is None:
            raise RunError(f"{self.name} has no pattern: this method needs --pattern N:M.")
        return self.pattern


def gathered(tensor: Tensor) -> Tensor:
    """Give the whole of a tensor whose rows lie in several processes; all must ask together."""
    if isinstance(tensor, DTensor):
        whole: Tensor = tensor.full_tensor()
        return whole
    return tensor


def spread_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Give a tensor the device, and the share of rows, of a parameter of its shape."""
    if isinstance(parameter, DTensor):
        return distribute_tensor(tensor, parameter.device_mesh, parameter.placements)
    return tensor.to(parameter.device)


def plain_name(key: str) -> str:
    """Give the plain name of a state dict key: without what parametrizations put into it.

    >>> plain_name("fc.parametrizations.weight.original")
    'fc.weight'
    """
    head, inside, tail = key.rpartition(_INSIDE)
    if not inside or not tail.endswith(_ORIGINAL) or (head and not head.endswith(".")):
        return key
    return head + tail.removesuffix(_ORIGINAL)


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Give all persistent tensors of a model under their plain names; tied ones once."""
    plain: dict[str, Tensor] = {}
    seen: set[tuple[int, int]] = set()
    for key, tensor in model.state_dict(keep_vars=True).items():
        if not isinstance(tensor, Tensor):
            continue
        identity = (id(tensor), tensor.numel())
        if identity in seen:
            continue
        seen.add(identity)
        plain[plain_name(key)] = tensor.detach()
    return plain


def plain_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Give the trainable parameters under their plain names."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield plain_name(name), parameter


def load_plain(model: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Copy weights into a model.

    Raises
    ------
    RunError
        Naming the first tensor that is missing, left over, or of another shape.
    """
    own = plain_state(model)
    for name, tensor in own.items():
        if name not in tensors:
            raise RunError(
                f"{where} does not fit this model: it has no {name}. Choose the task and the "
                "network options that it was trained with."
            )
        if tensor.shape != tensors[name].shape:
            raise RunError(
                f"{where} does not fit this model: {name} is {tuple(tensors[name].shape)} there "
                f"and {tuple(tensor.shape)} here. Choose the network options that it was trained "
                "with."
            )
    left_over = next((name for name in tensors if name not in own), None)
    if left_over is not None:
        raise RunError(f"{where} does not fit this model, which has no {left_over}.")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
