"""Jobs: started, steered and ended for whoever asks."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import msgspec

from sparse_core.errors import RunError
from sparse_core.messages import Done
from sparse_core.messages.jobs import (
    EndJob,
    ForgetJobs,
    JobStarted,
    KnowRun,
    Log,
    LogWanted,
    ResumeTraining,
    StartSweep,
    StartTool,
    StartTraining,
    Steer,
    Steered,
)
from sparse_core.messages.training import Recipe
from sparse_core.runs.config import read_config
from sparse_core.runs.control import read_control, steer
from sparse_core.runs.ending import end
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import Standing, standing_of
from sparse_core.runs.known import Known, forget, recall, remember
from sparse_core.runs.launch import launch
from sparse_core.runs.places import absolute, free_folder, tools_home
from sparse_core.runs.recipes import (
    refuse_untrusted,
    resume_words,
    settled,
    sweep_words,
    title_of_recipe,
    tool_words,
    train_words,
)
from sparse_core.service.lanes import Job

LOG_BYTES = 1 << 20
"""The most of a log that travels."""


class Jobs:
    """Answers requests about jobs. What it keeps are only handles of the processes it started."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._lock = Lock()

    def reap(self) -> None:
        """Take note of children that ended; without that each would stay as a zombie."""
        with self._lock:
            self._children = [child for child in self._children if child.poll() is None]

    def train(self, job: Job, wanted: StartTraining) -> JobStarted:
        """Start a training."""
        del job
        recipe = settled(wanted.recipe)
        refuse_untrusted(recipe)
        folder = Path(recipe.run)
        known = Known(
            folder=recipe.run,
            title=title_of_recipe(recipe),
            words=train_words(recipe),
            python=wanted.python,
            recipe=recipe,
        )
        if RunFolder(folder).config.exists() and not _same(known):
            raise RunError(f"{folder} holds a run already: resume it, or name another folder.")
        return self._start(known)

    def resume(self, job: Job, wanted: ResumeTraining) -> JobStarted:
        """Go on with a run."""
        del job
        folder = absolute(wanted.run)
        config = read_config(RunFolder(folder).config)
        words = resume_words(folder, config, wanted.trusted)
        before = recall(str(folder))
        known = Known(folder=str(folder), words=words, python=wanted.python)
        if before is not None:
            known = msgspec.structs.replace(
                before, words=words, python=wanted.python or before.python
            )
        return self._start(known)

    def sweep(self, job: Job, wanted: StartSweep) -> JobStarted:
        """Start a sweep, or go on with it."""
        del job
        recipe = settled(wanted.recipe)
        refuse_untrusted(recipe)
        names = ", ".join(key for key, _ in wanted.over) or "seed"
        return self._start(
            Known(
                folder=recipe.run,
                kind="sweep",
                title=f"sweep over {names}: {title_of_recipe(recipe)}",
                words=sweep_words(recipe, wanted.over, wanted.seeds),
                python=wanted.python,
                recipe=recipe,
            )
        )

    def tool(self, job: Job, wanted: StartTool) -> JobStarted:
        """Measure or export."""
        del job
        source = absolute(wanted.source)
        task = str(dict(wanted.options).get("task", ""))
        refuse_untrusted(settled(Recipe((("task", task),), "unused", wanted.trusted)))
        words = tool_words(wanted.kind, source, wanted.options)
        folder = free_folder(tools_home(), (wanted.kind, source.stem), make=True)
        return self._start(
            Known(
                folder=str(folder),
                kind=wanted.kind,
                title=f"{wanted.kind} {source.name}",
                source=str(source),
                words=("job", str(folder), *words),
                python=wanted.python,
            )
        )

    def know(self, job: Job, wanted: KnowRun) -> Done:
        """Put somebody's run on the list."""
        del job
        folder = absolute(wanted.run)
        run = RunFolder(folder)
        if not (run.config.is_file() or run.events.is_file()):
            raise RunError(f"{folder} is no run folder: it has no {run.config.name}.")
        if recall(str(folder)) is None:
            started = run.config.stat().st_mtime if run.config.is_file() else 0.0
            remember(Known(folder=str(folder), started=started))
        return Done()

    def forget(self, job: Job, wanted: ForgetJobs) -> Done:
        """Take ended jobs off the list."""
        del job
        for folder in wanted.folders:
            if not standing_of(Path(folder), recall(folder)).alive:
                forget(folder)
        return Done()

    def log(self, job: Job, wanted: LogWanted) -> Log:
        """Give the end of a log."""
        del job
        text, cut = _tail(RunFolder(absolute(wanted.folder)).log, wanted.most_bytes)
        return Log(wanted.view, wanted.folder, text, cut)

    def steer(self, job: Job, wanted: Steer) -> Steered:
        """Turn knobs."""
        del job
        run = RunFolder(absolute(wanted.run))
        if not run.root.is_dir():
            raise RunError(f"{run.root} is gone: there is nothing to steer.")
        control = steer(
            run.control,
            wanted=wanted.wanted or None,
            knobs=dict(wanted.knobs),
            steps_per_s=wanted.steps_per_s,
            save=wanted.save,
        )
        knobs = tuple(sorted(control.knobs.items()))
        return Steered(wanted.run, control.number, control.wanted, knobs, control.steps_per_s)

    def end(self, job: Job, wanted: EndJob) -> Done:
        """End a job; each stage is told."""
        folder = absolute(wanted.folder)
        for stage in end(folder, wanted.how, escalate=wanted.escalate, tick=job.tick):
            job.answer(stage)
        return Done()

    def _start(self, known: Known) -> JobStarted:
        """Start a job, unless that very job runs: a question may be asked twice."""
        with self._lock:
            before = recall(known.folder)
            standing = standing_of(Path(known.folder), before)
            if standing.alive:
                if before is not None and before.words == known.words:
                    return JobStarted(known.folder, known.kind, standing.process.pid)
                raise RunError(_in_use(known.folder, standing))
            _make(Path(known.folder))
            # What was wished of the run before, as to stop, is not wished of this one.
            control = RunFolder(Path(known.folder)).control
            if read_control(control).wanted != "run":
                steer(control, wanted="run")
            started, child = launch(known)
            self._children.append(child)
        return JobStarted(started.folder, started.kind, started.pid)


def _same(known: Known) -> bool:
    """Say whether that very start is at work already."""
    before = recall(known.folder)
    return before is not None and before.words == known.words and _alive(before)


def _alive(known: Known) -> bool:
    return standing_of(Path(known.folder), known).alive


def _in_use(folder: str, standing: Standing) -> str:
    where = "" if standing.here or standing.status is None else f" on {standing.status.host}"
    return (
        f"{folder} is in use by process {standing.process.pid}{where}: end that job first, or name "
        "another folder."
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be made: {error.strerror}. Name another folder."
        ) from error


def _tail(path: Path, most_bytes: int) -> tuple[str, bool]:
    """Give the last whole lines of a file that may hold anything."""
    most = min(max(most_bytes, 0), LOG_BYTES)
    try:
        with path.open("rb") as file:
            start = max(0, os.fstat(file.fileno()).st_size - most)
            data = os.pread(file.fileno(), most, start)
    except OSError:
        return "", False
    if start:
        data = data[data.find(b"\n") + 1 :]
    lines: Sequence[str] = data.decode(errors="replace").replace("\r\n", "\n").split("\n")
    # A bar that was drawn over and over: what stands there at the end.
    text = "\n".join(line.rsplit("\r", 1)[-1] for line in lines)
    shown = (
        one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text
    )
    return "".join(shown), start > 0
