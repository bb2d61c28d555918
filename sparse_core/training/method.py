"""The one interface of all methods: what makes a network sparse while it trains.

A method is a class with a ``name``, an ``Options`` struct and any of the moments below; each has
a harmless default. ``--method FILE.py:NAME`` takes anybody's. The trainer calls, in this order::

    method = Method(options, layers, plan)      layers: what the policy chose
    method.phases(epochs)                       one training, or several in a row
    method.attach()                             before the optimizer exists
    for each phase:
        method.enter(phase)                     weights may change, the optimizer is new after it
        for each step:
            loss.backward()
            method.before_step(step)            gradients may change
            optimizer.step()
            method.after_step(step)             weights may change
    method.mask(layer)                          whenever masks are looked at
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.runs.events import GroupNorms
from sparse_core.training.layers import SparseLayer


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For a method or task that has none."""


class Phase(msgspec.Struct, frozen=True):
    """One training in a row of them: its own learning rate schedule and a new optimizer.

    ``lr_scale`` multiplies the learning rate of the whole phase.
    """

    name: str
    epochs: int
    lr_scale: float = 1.0


class Plan(msgspec.Struct, frozen=True):
    """What a method may know of the run it is part of.

    ``steps`` and ``steps_an_epoch`` count optimizer steps of the whole run; ``initialised`` says
    that the weights come from a checkpoint; ``removable`` are the weights around which a
    shortcut leads, so that the whole layer may vanish; ``head`` is the network's last weight,
    whose outputs are the classes; ``model`` is the network, for methods that rearrange it.
    """

    steps: int
    steps_an_epoch: int
    seed: int
    initialised: bool = False
    processes: int = 1
    removable: tuple[str, ...] = ()
    head: str = ""
    model: nn.Module | None = None


class Moment(msgspec.Struct, frozen=True):
    """Where the run is.

    Attributes
    ----------
    step : int
        Optimizer steps done before this one.
    lr : float
        Learning rate of this step.
    optimizer : torch.optim.Optimizer
        The optimizer of this phase.
    """

    step: int
    lr: float
    optimizer: torch.optim.Optimizer


class MethodState(msgspec.Struct, frozen=True):
    """What a method needs to go on: tensors by name, and numbers or words that JSON can hold."""

    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}


class Method:
    """Base of all methods: trains dense.

    Parameters
    ----------
    options : msgspec.Struct
        An instance of ``Options``.
    layers : sequence of SparseLayer
        What the layer policy chose.
    plan : Plan
        The run.
    """

    name: ClassVar[str] = ""
    Options: ClassVar[type[msgspec.Struct]] = NoOptions
    uses_pattern: ClassVar[bool] = True
    """Whether the masks follow an N:M pattern."""
    shards: ClassVar[bool] = False
    """Whether it works on parameters that FSDP2 shards."""
    virtual: ClassVar[bool] = False
    """Whether its masks are only looked at, never applied."""
    default_policy: ClassVar[str] = "*,!first,!last"
    """Which layers are sparse when the user does not say."""

    def __init__(self, options: Any, layers: Sequence[SparseLayer], plan: Plan) -> None:
        self.options = options
        self.layers = tuple(layers)
        self.plan = plan

    @classmethod
    def misfit(cls, options: Any, shape: tuple[int, ...], dtype: torch.dtype) -> str:
        """Say why a weight cannot be made sparse by this method, "" if it can."""
        del options, shape, dtype
        return ""

    @classmethod
    def phases(cls, options: Any, epochs: int, initialised: bool) -> tuple[Phase, ...]:
        """Split the run into trainings; ``epochs`` is the user's ``--epochs``."""
        del options, initialised
        return (Phase("train", epochs),)

    @property
    def rule(self) -> str:
        """How a reader of the checkpoint gets the mask: ``zeros`` or ``projected``."""
        return "zeros"

    @property
    def patterned(self) -> bool:
        """Whether the weights, as they are now, are meant to have the pattern."""
        return self.uses_pattern and not self.virtual

    def attach(self) -> None:
        """Change the layers before the optimizer is made."""

    def enter(self, phase: Phase) -> str:
        """Begin a phase; a returned sentence goes into the events."""
        del phase
        return ""

    def before_step(self, moment: Moment) -> None:
        """Change gradients, just before the optimizer."""
        del moment

    def after_step(self, moment: Moment) -> None:
        """Change weights, just after the optimizer."""
        del moment

    def mask(self, layer: SparseLayer) -> Tensor:
        """Give the mask of now, True = kept, in the shape of the weight."""
        return layer.whole() != 0

    def effective(self, layer: SparseLayer) -> Tensor:
        """Give the weight as the network uses it."""
        return layer.whole()

    def pulled(self, layer: SparseLayer, gain: Tensor | float, lr: float) -> Tensor | None:
        """Give what lambda alone does to the weights in a step; None without a lambda.

        ``gain`` is by how much the optimizer multiplies a gradient, all its steps together.
        """
        del layer, gain, lr
        return None

    def exponent(self, momentum: float, lr_to_come: float = 0.0) -> float | None:
        """Give the exponent by which lambda alone has shrunk the pruned weights; None without one.

        ``lr_to_come`` is the sum of learning rates still ahead, to tell it beforehand.
        """
        del momentum, lr_to_come
        return None

    def group_norms(self) -> tuple[GroupNorms, ...]:
        """Describe the norms of the groups a penalty works on."""
        return ()

    def knobs(self) -> dict[str, float | bool]:
        """Give the values that may be turned while it runs."""
        return {}

    def turn(self, name: str, value: float | bool) -> None:
        """Turn a knob.

        Raises
        ------
        RunError
            If there is no such knob, or it does not take that value.
        """
        del value
        raise RunError(f"{self.name} has no knob {name!r}.")

    def state(self) -> MethodState:
        """Give what a resume needs beyond the weights."""
        return MethodState()

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take back what ``state`` gave."""
        del tensors, scalars

    def notes(self) -> dict[str, str]:
        """Give metadata for checkpoints beyond method, pattern, axis and layers."""
        return {}
