"""A trained model with its task: what evaluate, sensitivity and curve look at."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from sparse_core.analysis.claims import claim_of
from sparse_core.errors import RunError
from sparse_core.patterns import NMPattern
from sparse_core.runs.config import read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.training.forms import fill
from sparse_core.training.job import choose_device
from sparse_core.training.layers import load_plain
from sparse_core.training.measure import Figures, measure
from sparse_core.training.policy import Candidate, candidates, group_misfit
from sparse_core.training.projection import nm_mask
from sparse_core.training.registry import find_task, is_file
from sparse_core.training.stored import read_checkpoint
from sparse_core.training.task import Data, Task, require_data


class Where(msgspec.Struct, frozen=True):
    """Which checkpoint of which task.

    ``path`` is a checkpoint or a run; of a run the last checkpoint is taken, and its task with
    its options unless others are named.
    """

    path: Path
    task: str = ""
    options: Mapping[str, Any] = {}
    device: str = "cpu"


class Subject:
    """A model with the weights of a checkpoint.

    Raises
    ------
    RunError
        If the checkpoint does not fit the task's model.
    """

    def __init__(self, where: Where) -> None:
        path, task, options = resolve(where)
        task_class = find_task(task)
        self.path = path
        self.task: Task = task_class(fill(task_class.Options, options, task))
        self.data: Data = require_data(self.task.data(), task)
        torch.manual_seed(0)
        self.model: nn.Module = self.task.model()
        tensors, self.words = read_checkpoint(path)
        load_plain(self.model, tensors, str(path))
        self.model.to(choose_device(where.device)).eval()
        self.stored = {one.name: one.parameter.detach().clone() for one in self.candidates()}

    def candidates(self) -> list[Candidate]:
        """List the linear and convolution weights."""
        return [one for one in candidates(self.model) if one.prunable and not one.tied]

    def chosen(self, globs: Sequence[str], pattern: NMPattern | None) -> list[Candidate]:
        """List the weights that are meant, and whose groups fit.

        Without globs those that the checkpoint names as sparse, else all.

        Raises
        ------
        RunError
            If none is left.
        """
        claim = claim_of(self.words, {})
        found = []
        for one in self.candidates():
            if globs:
                meant = any(fnmatchcase(one.name, glob) for glob in globs)
            else:
                meant = claim.lists(one.name) is not False
            if meant and not (pattern and group_misfit(one.layout, pattern)):
                found.append(one)
        if not found:
            raise RunError(f"No layer of {self.path} fits. Choose others with --layers.")
        return found

    def pattern(self) -> NMPattern | None:
        """Give the pattern that the checkpoint says it has."""
        return claim_of(self.words, {}).pattern

    def mask(self, one: Candidate, mask: Tensor) -> None:
        """Prune a weight of the model."""
        with torch.no_grad():
            one.parameter.copy_(self.stored[one.name] * mask)

    def project(self, one: Candidate, pattern: NMPattern) -> None:
        """Project a weight of the model."""
        self.mask(one, nm_mask(self.stored[one.name], one.layout, pattern))

    def reset(self) -> None:
        """Take the stored weights back."""
        with torch.no_grad():
            for one in self.candidates():
                one.parameter.copy_(self.stored[one.name])

    def measure(self) -> Figures:
        """Measure on the held back examples."""
        return measure(self.task, self.model, self.data.valid)


def resolve(where: Where) -> tuple[Path, str, dict[str, Any]]:
    """Find checkpoint, task and options."""
    folder = RunFolder(where.path)
    inside = RunFolder(where.path.resolve().parent.parent)
    path = where.path
    if folder.config.is_file():
        steps = folder.steps(folder.checkpoints)
        if not steps:
            raise RunError(f"{where.path} has no checkpoint yet.")
        path = folder.checkpoint(steps[-1])
    elif inside.config.is_file() and path.resolve().parent == inside.checkpoints.resolve():
        folder = inside
    if not folder.config.is_file():
        if not where.task:
            raise RunError(f"{where.path} belongs to no run: name its task with --task.")
        return path, where.task, dict(where.options)
    config = read_config(folder.config)
    task = where.task or config.task
    if is_file(task) and task != where.task:
        raise RunError(
            f"This run uses a Python file, which is only run if you name it: --task {task}"
        )
    options = config.task_options if task == config.task else {}
    return path, task, {**options, **where.options}
