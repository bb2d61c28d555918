"""Trainings for a benchmark: one folder each, several processes, taken over if they are done.

A folder that a stopped benchmark left behind is used again: what finished is not trained anew, and
what did not is trained from its beginning.
"""

import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from sparse_core.runs.events import Finished
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One training.

    Attributes
    ----------
    name : str
        Of its folder: whatever tells it from the others.
    method : str
    seed : int
    options : mapping
        Of the training.
    method_options, task_options : mapping
    begins : str
        Name of the trial whose last checkpoint it begins with; "" for none.
    """

    name: str
    method: str
    seed: int
    options: dict[str, Any] = {}
    method_options: dict[str, Any] = {}
    task_options: dict[str, Any] = {}
    begins: str = ""


def run_of(root: Path, name: str) -> Path:
    """Give the run folder of a trial."""
    return root / name.replace(":", "-").replace("/", "-")


def last_checkpoint(run: Path) -> Path:
    """Give the newest checkpoint of a run."""
    folder = RunFolder(run)
    return folder.checkpoint(folder.steps(folder.checkpoints)[-1])


def finished(run: Path) -> bool:
    """Say whether a training came to its end."""
    events = run / "events.jsonl"
    return events.exists() and any(isinstance(one, Finished) for one in read_events(events))


def train_all(root: Path, trials: Iterable[Trial], processes: int) -> int:
    """Train what is not done yet, one thread a process; return how many were taken over."""
    trials = list(trials)
    waiting = [trial for trial in trials if not finished(run_of(root, trial.name))]
    taken_over = len(trials) - len(waiting)
    while waiting:
        # What begins with another trial waits for it.
        names = {trial.name for trial in waiting}
        ready = [trial for trial in waiting if trial.begins not in names]
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            for done in as_completed([pool.submit(train, root, trial) for trial in ready]):
                done.result()
        waiting = [trial for trial in waiting if trial not in ready]
    return taken_over


def train(root: Path, trial: Trial) -> None:
    """Train once; of the folder the events and the last checkpoint stay."""
    # In the process that needs it: the one that starts them all does not.
    from sparse_core.training.job import Request
    from sparse_core.training.options import TrainOptions
    from sparse_core.training.session import start

    run = run_of(root, trial.name)
    shutil.rmtree(run, ignore_errors=True)
    begins = {}
    if trial.begins:
        begins = {"init": str(last_checkpoint(run_of(root, trial.begins)))}
    options = TrainOptions(
        task="mnist", method=trial.method, seed=trial.seed, keep=1, **trial.options, **begins
    )
    start(Request(options, trial.method_options, trial.task_options), run)
    shutil.rmtree(RunFolder(run).masks, ignore_errors=True)
