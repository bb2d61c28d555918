"""From options to a finished run: start one in a folder, or resume one."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.errors import RunError, SparseError
from sparse_core.runs.config import RunConfig, read_config, write_config
from sparse_core.runs.events import Failed, Resumed
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.lock import RunLock
from sparse_core.training.job import Job, Request, choose_device
from sparse_core.training.journal import Echo, Journal, Silence
from sparse_core.training.record import config_of, request_of, write_started
from sparse_core.training.registry import is_file
from sparse_core.training.rewind import Beginning, finished_at, rewind
from sparse_core.training.signals import StopWish
from sparse_core.training.trainer import Trainer
from sparse_core.training.world import World, is_lost, make_world


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: ``complete``, ``stopped``, or ``was finished`` before."""

    run: Path
    reason: str
    step: int


def start(
    request: Request, run: Path, *, command: Sequence[str] = (), echo: Echo | None = None
) -> Outcome:
    """Train from the beginning in a new or empty folder.

    Parameters
    ----------
    request : Request
        What is asked for.
    run : Path
        The run folder.
    command : sequence of str
        How this was asked for, for the records.
    echo : callable, optional
        Gets every event.

    Raises
    ------
    RunError
        If the folder holds a run already or is in use, or the training cannot go on.
    """
    folder = RunFolder(run)
    if folder.config.exists():
        raise RunError(f"{run} holds a run already: go on with --resume, or name another folder.")
    return _train(request, folder, None, command, echo)


def resume(
    run: Path, *, trusted: Sequence[str] = (), command: Sequence[str] = (), echo: Echo | None = None
) -> Outcome:
    """Go on where a run stopped: bit-exactly on the same machine and number of threads.

    Parameters
    ----------
    run : Path
        The run folder.
    trusted : sequence of str
        ``FILE.py:NAME`` of the user's own method and task that may be run.
    command, echo
        As for ``start``.

    Raises
    ------
    RunError
        If it is no run, in use, of a newer program, or names a Python file that is not trusted.
    """
    folder = RunFolder(run)
    config = read_config(folder.config)
    done = finished_at(folder)
    if done is not None:
        return Outcome(run, "was finished", done)
    for name in (config.task, config.method):
        if is_file(name) and name not in trusted:
            raise RunError(
                f"This run uses the Python file {name.rpartition(':')[0]}, which is only run if "
                f"you name it: add --task or --method {name}"
            )
    return _train(request_of(config), folder, config, command, echo)


def _train(
    request: Request,
    folder: RunFolder,
    config: RunConfig | None,
    command: Sequence[str],
    echo: Echo | None,
) -> Outcome:
    """Make the job, hold the folder, run. Nothing is written before the options fit."""
    world = make_world(request.options.parallel, choose_device(request.options.device))
    try:
        job = Job(request, world.processes)
        refusal = world.refusal(job)
        if refusal:
            raise RunError(refusal)
        if world.rank:
            return _run(job, folder, world, None)
        folder.make()
        with RunLock(folder):
            if config is not None:
                return _run(job, folder, world, rewind(folder), echo)
            write_config(folder.config, config_of(request, job, world, command))
            return _run(job, folder, world, Beginning(), echo)
    finally:
        world.close()


def _run(
    job: Job, folder: RunFolder, world: World, begin: Beginning | None, echo: Echo | None = None
) -> Outcome:
    """Train from where rank 0 says; whatever ends it is told before it is raised."""
    start = world.agree(begin)
    journal = Silence(start.elapsed_s) if world.rank else Journal(folder, start.elapsed_s, echo)
    trainer = None
    try:
        trainer = Trainer(job, folder, world, journal)
        _begin(trainer, start)
        with StopWish() as wish:
            _guarded(trainer, wish)
    except BaseException as error:
        _fail(journal, trainer.step if trainer else 0, error)
        raise
    else:
        journal.tell("finished", trainer.step)
        reason = "complete" if trainer.step >= job.steps else "stopped"
        return Outcome(folder.root, reason, trainer.step)
    finally:
        journal.close()


def _guarded(trainer: Trainer, wish: StopWish) -> None:
    """Run; where processes train together, the death of one is a sentence."""
    try:
        trainer.run(wish)
    except RuntimeError as error:
        if trainer.world.processes == 1 or not is_lost(error):
            raise
        raise RunError(
            f"Another process of this training ended or is out of reach at step {trainer.step} "
            f"({str(error).splitlines()[0]}). Go on with --resume."
        ) from error


def _begin(trainer: Trainer, start: Beginning) -> None:
    """Begin at step 0, or go back to a checkpoint."""
    if start.point is None:
        write_started(trainer.job, trainer.journal)
    else:
        trainer.restore(start.point, start.pending)
    if start.again:
        trainer.journal.write(
            Resumed,
            trainer.step,
            restart=True,
            note="There was no checkpoint: it begins at step 0." if start.point is None else "",
            pending=start.pending,
        )
    trainer.journal.tell("running", trainer.step)


def _fail(journal: Journal, step: int, error: BaseException) -> None:
    """Say what ended the run; a full disk cannot take the news of itself."""
    ours = isinstance(error, SparseError)
    sentence = str(error) if ours else f"{type(error).__name__}: {error}"
    with contextlib.suppress(RunError):
        journal.write(Failed, step, sentence=sentence, kind="sentence" if ours else "bug")
    journal.tell("failed", step, sentence)
