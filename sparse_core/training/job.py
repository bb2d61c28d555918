"""Everything that a training needs in memory, made from its options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from sparse_core.errors import RunError
from sparse_core.patterns import NMPattern
from sparse_core.runs.events import LayerChoice
from sparse_core.training.forms import fill
from sparse_core.training.layers import SparseLayer, load_plain, plain_parameters
from sparse_core.training.method import Method, Plan
from sparse_core.training.options import TrainOptions
from sparse_core.training.policy import candidates, choose_layers
from sparse_core.training.registry import find_method, find_task
from sparse_core.training.schedule import Span, spans_of
from sparse_core.training.stored import read_checkpoint
from sparse_core.training.task import Data, Task, require_data

FALLBACK: Mapping[str, Any] = {"epochs": 10, "batch": 64, "optimizer": "sgd", "lr": 0.1}
"""What neither the user nor the task says."""


class Request(msgspec.Struct, frozen=True):
    """What the user asked for: common options, the method's and the task's."""

    options: TrainOptions = TrainOptions()
    method: dict[str, Any] = {}
    task: dict[str, Any] = {}


class Job:
    """A model, data, a method and a schedule that fit one another.

    Parameters
    ----------
    request : Request
    processes : int
        How many train together.

    Raises
    ------
    RunError
        If an option does not exist or does not fit, naming it.
    """

    def __init__(self, request: Request, processes: int = 1) -> None:
        task_class = find_task(request.options.task)
        method_class = find_method(request.options.method)
        self.options = complete(request.options, task_class)
        self.task_options = fill(task_class.Options, request.task, request.options.task)
        self.method_options = fill(method_class.Options, request.method, request.options.method)
        self.device = choose_device(self.options.device)
        if self.device.type == "cpu":
            torch.set_num_threads(self.options.threads)
        torch.manual_seed(self.options.seed)
        self.task = task_class(self.task_options)
        self.data: Data = require_data(_asked(self.task, "data"), self.options.task)
        self.model: nn.Module = _asked(self.task, "model")
        if self.options.init:
            tensors, _ = read_checkpoint(Path(self.options.init))
            load_plain(self.model, tensors, self.options.init)
        self.model.to(self.device)
        self.pattern = (
            NMPattern.parse(self.options.pattern, self.options.axis)
            if method_class.uses_pattern
            else None
        )
        self.choices: tuple[LayerChoice, ...]
        self.layers: tuple[SparseLayer, ...]
        self.choices, self.layers = choose_layers(
            self.model, self.options.layers, method_class, self.method_options, self.pattern
        )
        self.steps_an_epoch = -(-len(self.data.train) // self.batch)
        phases = method_class.phases(self.method_options, self.epochs, bool(self.options.init))
        self.spans: tuple[Span, ...] = spans_of(phases, self.steps_an_epoch)
        if not self.spans:
            raise RunError("Nothing to train: all phases of this method have no epochs.")
        self.method: Method = method_class(self.method_options, self.layers, self._plan(processes))
        self.method.attach()

    def parameter_names(self) -> dict[int, str]:
        """Give the plain names of the parameters of now, by ``id``; FSDP2 replaces them."""
        return {id(parameter): name for name, parameter in plain_parameters(self.model)}

    @property
    def batch(self) -> int:
        """Examples a step, all processes together."""
        return int(self.options.batch or 0)

    @property
    def epochs(self) -> int:
        """Passes over the data in each phase that lasts as long as asked for."""
        return int(self.options.epochs or 0)

    @property
    def steps(self) -> int:
        """Optimizer steps of all phases."""
        return self.spans[-1].stop

    def _plan(self, processes: int) -> Plan:
        removable = getattr(self.model, "removable", tuple)
        return Plan(
            steps=self.spans[-1].stop,
            steps_an_epoch=self.steps_an_epoch,
            seed=self.options.seed,
            initialised=bool(self.options.init),
            processes=processes,
            removable=tuple(removable()),
            model=self.model,
            head=next((one.name for one in reversed(candidates(self.model)) if one.prunable), ""),
        )


def complete(options: TrainOptions, task: type[Task]) -> TrainOptions:
    """Fill in what the user left to the task."""
    defaults = {**FALLBACK, **task.defaults}
    missing = {
        key: value
        for key, value in defaults.items()
        if key in FALLBACK and getattr(options, key) is None
    }
    return msgspec.structs.replace(options, **missing)


def choose_device(name: str) -> torch.device:
    """Give the device of that name; an empty name takes a GPU if there is one.

    Raises
    ------
    RunError
        If this machine has no such device.
    """
    if not name:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise RunError(f"This machine has no device {name!r} that torch can use.") from error
    return device


def _asked(task: Task, what: str) -> Any:
    """Call a method of a task; what somebody else's code raises becomes a sentence."""
    try:
        return getattr(task, what)()
    except RunError:
        raise
    except Exception as error:
        trace = error.__traceback__
        line = 0
        while trace is not None:
            line, trace = trace.tb_lineno, trace.tb_next
        raise RunError(
            f"{type(task).__name__}.{what}() raised {type(error).__name__} in line {line}: {error}"
        ) from error
