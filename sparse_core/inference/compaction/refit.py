"""Give a network the shapes of a compacted checkpoint, so that it loads."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparse_core.errors import SparseError
from sparse_core.inference.compaction.attention import is_attention
from sparse_core.inference.compaction.gathered import Gathered

_PRODUCTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def refit(model: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Load a compacted state dict into a network of the original class.

    Parameters
    ----------
    model : nn.Module
        The network as its code makes it; changed in place.
    tensors : mapping
        What ``Compacted.model.state_dict()`` gave.

    Returns
    -------
    nn.Module
        The same object, smaller, with those weights.

    Raises
    ------
    SparseError
        If they do not belong together.
    """
    for name, module in list(model.named_modules()):
        used = tensors.get(f"{name}.used")
        if used is not None and isinstance(module, _PRODUCTS):
            dim = -1 if isinstance(module, nn.Linear) else 1
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, Gathered(module, used, dim))
    for name, module in model.named_modules():
        if isinstance(module, (*_PRODUCTS, _BatchNorm)):
            _resize(module, name, tensors)
    for module in model.modules():
        if is_attention(module):
            size = module.value.out_features
            module.heads = module.value.weight.shape[0] * module.heads // size
            module.value.out_features = module.value.weight.shape[0]
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise SparseError(f"These weights do not fit {type(model).__name__}: {error}.") from error
    return model


def _resize(module: nn.Module, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Give a module tensors of the stored shapes."""
    for short in ("weight", "bias", "running_mean", "running_var"):
        stored = tensors.get(f"{name}.{short}")
        if stored is None:
            continue
        if short.startswith("running"):
            setattr(module, short, torch.empty_like(stored))
        else:
            setattr(module, short, nn.Parameter(torch.empty_like(stored)))
    if isinstance(module, _BatchNorm):
        module.num_features = len(tensors[f"{name}.running_mean"])
