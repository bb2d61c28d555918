"""What a resume needs beyond the weights, without a pickle: tensors, and JSON in the metadata."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.runs.tensors import Stored, write_tensors
from sparse_core.training.layers import gathered, spread_like
from sparse_core.training.method import MethodState
from sparse_core.training.stored import read_file, stored

_SCALARS = "scalars"
_RNG = "rng/"
_METHOD = "method/"
_OPTIMIZER = "optimizer/"


class Scalars(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a state.

    Attributes
    ----------
    step : int
        Optimizer steps done.
    elapsed_s : float
        Seconds of training.
    lr : float
        Base learning rate, which may have been turned.
    best : float or None
        Best metric so far, of step ``best_step``.
    method : dict
        The method's own.
    generators : dict
        State of Python's and numpy's global generators.
    """

    step: int
    elapsed_s: float
    lr: float
    best: float | None = None
    best_step: int | None = None
    method: dict[str, Any] = {}
    generators: dict[str, Any] = {}


class State(msgspec.Struct, frozen=True):
    """A state as read: its numbers, and its tensors by part."""

    scalars: Scalars
    optimizer: dict[str, dict[str, Tensor]]
    method: dict[str, Tensor]
    generators: dict[str, Tensor]


def write_state(
    path: Path,
    scalars: Scalars,
    optimizer: Mapping[str, Mapping[str, Tensor]],
    method: MethodState,
) -> None:
    """Write a state.

    Parameters
    ----------
    path : Path
    scalars : Scalars
        Without ``method`` and ``generators``, which are added here.
    optimizer : mapping
        Of each parameter's plain name, its state tensors by key.
    method : MethodState

    Raises
    ------
    RunError
        If the disk is full.
    """
    tensors: dict[str, Stored] = {}
    for name, parts in optimizer.items():
        for key, tensor in parts.items():
            tensors[f"{_OPTIMIZER}{key}/{name}"] = stored(tensor)
    for name, tensor in method.tensors.items():
        tensors[_METHOD + name] = stored(tensor)
    generators, words = _generators()
    for name, tensor in generators.items():
        tensors[_RNG + name] = stored(tensor)
    full = msgspec.structs.replace(scalars, method=method.scalars, generators=words)
    write_tensors(path, tensors, {_SCALARS: msgspec.json.encode(full).decode()})


def read_state(path: Path) -> State:
    """Read a state.

    Raises
    ------
    RunError
        If it is missing or damaged.
    """
    tensors, metadata = read_file(path)
    try:
        scalars = msgspec.json.decode(metadata.get(_SCALARS, ""), type=Scalars)
    except msgspec.DecodeError as error:
        raise RunError(f"{path} is damaged: {error}.") from error
    optimizer: dict[str, dict[str, Tensor]] = {}
    method: dict[str, Tensor] = {}
    generators: dict[str, Tensor] = {}
    for full, tensor in tensors.items():
        if full.startswith(_OPTIMIZER):
            key, _, name = full.removeprefix(_OPTIMIZER).partition("/")
            optimizer.setdefault(name, {})[key] = tensor
        elif full.startswith(_METHOD):
            method[full.removeprefix(_METHOD)] = tensor
        else:
            generators[full.removeprefix(_RNG)] = tensor
    return State(scalars, optimizer, method, generators)


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, names: Mapping[int, str]
) -> dict[str, dict[str, Tensor]]:
    """Give an optimizer's tensors by the plain name of their parameter.

    ``names`` goes from the ``id`` of a parameter to its name.
    """
    return {
        names[id(parameter)]: {
            key: gathered(value) for key, value in parts.items() if isinstance(value, Tensor)
        }
        for parameter, parts in optimizer.state.items()
    }


def fill_optimizer(
    optimizer: torch.optim.Optimizer,
    tensors: Mapping[str, Mapping[str, Tensor]],
    names: Mapping[int, str],
) -> None:
    """Put an optimizer's tensors back."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parts = tensors.get(names[id(parameter)])
            if parts is None:
                continue
            optimizer.state[parameter] = {
                key: value if value.ndim == 0 else spread_like(value, parameter)
                for key, value in parts.items()
            }


def restore_generators(state: State) -> None:
    """Set all global random generators to where they were."""
    torch.set_rng_state(state.generators["torch"])
    for index in range(torch.cuda.device_count()):
        if f"cuda{index}" in state.generators:
            torch.cuda.set_rng_state(state.generators[f"cuda{index}"], index)
    words = state.scalars.generators
    version, numbers, normal = words["python"]
    random.setstate((version, tuple(numbers), normal))
    name, position, has_gauss, cached = words["numpy"]
    keys = state.generators["numpy"].numpy().view(np.uint32)
    np.random.set_state((name, keys, position, has_gauss, cached))  # noqa: NPY002


def _generators() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read all global random generators: the trainer's own, and what a user's task may use."""
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    tensors = {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.asarray(keys, np.uint32).view(np.int32).copy()),
    }
    for index in range(torch.cuda.device_count()):
        tensors[f"cuda{index}"] = torch.cuda.get_rng_state(index)
    words = {"python": random.getstate(), "numpy": (name, position, has_gauss, cached)}
    return tensors, words
