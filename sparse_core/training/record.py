"""What is written down of a run so that it can be done again."""

import platform
import subprocess
import time
from collections.abc import Sequence

import msgspec
import numpy
import torch

from sparse_core import native
from sparse_core.runs.config import RunConfig
from sparse_core.runs.events import Started
from sparse_core.training.job import Job, Request
from sparse_core.training.journal import Journal
from sparse_core.training.layers import plain_parameters
from sparse_core.training.optimizers import momentum_of
from sparse_core.training.schedule import lr_sum
from sparse_core.training.world import World
from sparse_core.version import VERSION


def write_started(job: Job, journal: Journal) -> None:
    """Write the first event: what is about to happen."""
    options = job.options
    to_come = lr_sum(options.schedule, float(options.lr or 0), job.spans)
    journal.write(
        Started,
        0,
        task=options.task,
        method=options.method,
        pattern=str(job.pattern) if job.pattern else None,
        axis=options.axis,
        metric=job.task.metric_name,
        higher_is_better=job.task.higher_is_better,
        steps=job.steps,
        steps_an_epoch=job.steps_an_epoch,
        parameters=sum(one.numel() for _, one in plain_parameters(job.model)),
        layers=job.choices,
        exponent=job.method.exponent(momentum_of(options), to_come),
    )


def request_of(config: RunConfig) -> Request:
    """Read back what was asked for."""
    return msgspec.convert(
        {
            "options": config.options,
            "method": config.method_options,
            "task": config.task_options,
        },
        Request,
    )


def config_of(request: Request, job: Job, world: World, command: Sequence[str]) -> RunConfig:
    """Write down everything needed to do it again."""
    return RunConfig(
        task=request.options.task,
        method=request.options.method,
        pattern=str(job.pattern) if job.pattern else None,
        axis=job.options.axis,
        options=msgspec.to_builtins(job.options),
        method_options=msgspec.to_builtins(job.method_options),
        task_options=msgspec.to_builtins(job.task_options),
        seed=job.options.seed,
        device=str(job.device),
        threads=job.options.threads,
        processes=world.processes,
        versions={
            "sparsescope": VERSION,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": numpy.__version__,
            "native": native.name(),
        },
        command=tuple(command),
        commit=_commit(),
        started=time.time(),
    )


def _commit() -> str:
    """Name the state of the git checkout around the current folder, "" outside one."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "-uno"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")
