"""Trainings started, steered and ended through a core; the death of each leaves the others."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from core_client import ROOT, SERVE, CoreClient

from sparse_core.messages import Cancel, Done, Failed, Reply, TileKey
from sparse_core.messages.jobs import (
    EndJob,
    EndStage,
    FollowJobs,
    Jobs,
    JobStarted,
    Measurements,
    MeasurementsWanted,
    ResumeTraining,
    StartSweep,
    StartTool,
    StartTraining,
    Steer,
)
from sparse_core.messages.runs import FollowRun, RunLayers, RunMarks, RunSeries, RunState
from sparse_core.messages.timeline import (
    SeriesId,
    SeriesTile,
    SeriesTilesWanted,
    TimelineOptions,
    TimelinePoints,
    TimelineWanted,
)
from sparse_core.messages.training import (
    Draft,
    DraftWanted,
    Form,
    FormWanted,
    Options,
    Recipe,
    RecipeFound,
    RecipeWanted,
)
from sparse_core.runs.config import RunConfig, read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import standing_of
from sparse_core.runs.known import everything, recall
from sparse_core.runs.processes import Process, processes_of, send
from sparse_core.runs.status import read_status

SMALL: Options = (
    ("task", "digits"),
    ("method", "sr-ste"),
    ("hidden", "64,64"),
    ("layers", "*,!last"),
    ("lambda", 0.003),
)


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a list of jobs of its own, and end what is left of them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    for job in everything():
        if job.pid:
            for one in processes_of(Process(job.pid, job.pid_start), job.token):
                send(one, signal.SIGKILL)


class Watched:
    """A run that is followed, and what was said of it."""

    def __init__(self, core: CoreClient, run: Path) -> None:
        self.core, self.run = core, run
        self.call = core.send(FollowRun(str(run)))
        self.seen: list[Reply] = []
        self.state: RunState | None = None

    def until(self, enough: Callable[["Watched"], object]) -> "Watched":
        """Take answers until there is enough."""
        while not enough(self):
            answer = self.core.anything()
            if answer.id == self.call:
                self.seen.append(answer.body)
                if isinstance(answer.body, RunState):
                    self.state = answer.body
        return self

    def is_in(self, *states: str) -> "Watched":
        return self.until(lambda one: one.state is not None and one.state.state in states)

    def marks(self, kind: str) -> list[str]:
        marks = (one for one in self.seen if isinstance(one, RunMarks))
        return [
            name
            for one in marks
            for what, name in zip(one.kinds, one.names, strict=True)
            if what == kind
        ]

    def ask(self, body: object) -> Reply:
        """Ask something else; what is said of the run meanwhile is not lost."""
        number = self.core.send(body)  # type: ignore[arg-type]
        while True:
            answer = self.core.anything()
            if answer.id == self.call:
                self.seen.append(answer.body)
                self.state = answer.body if isinstance(answer.body, RunState) else self.state
            elif answer.id == number and answer.last:
                return answer.body


def start(core: CoreClient, run: Path, *more: tuple[str, object], **given: object) -> JobStarted:
    recipe = Recipe((*SMALL, *more), str(run), **given)  # type: ignore[arg-type]
    started = core.ask(StartTraining(recipe))[0]
    assert isinstance(started, JobStarted), started
    return started


def steps_of(watched: Watched) -> int:
    return max((one.state.step for one in (watched,) if one.state), default=-1)


@pytest.mark.slow
def test_a_training_is_steered_paused_stopped_and_resumed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with CoreClient() as core:
        start(core, run, ("epochs", 400), ("mask_every", 5))
        watched = Watched(core, run).is_in("running")
        watched.ask(Steer(str(run), steps_per_s=50.0))
        watched.until(lambda one: any(isinstance(one, RunLayers) for one in one.seen))
        watched.ask(Steer(str(run), knobs=(("lambda", 0.05),)))
        watched.until(lambda one: one.marks("set") == ["lambda"])
        watched.ask(Steer(str(run), save=True))
        saved = len(watched.marks("saved") + watched.marks("best"))
        watched.until(lambda one: len(one.marks("saved") + one.marks("best")) > saved)
        watched.ask(Steer(str(run), wanted="pause"))
        assert watched.is_in("paused").state.memory_bytes > 0
        check_live_tiles(watched)
        watched.ask(Steer(str(run), wanted="run"))
        watched.is_in("running")
        watched.ask(Steer(str(run), steps_per_s=0.0))
        assert watched.ask(EndJob(str(run))) == Done()
        watched.is_in("stopped")
        assert watched.marks("stopped") == [""]
        step = watched.state.step
        assert isinstance(watched.ask(ResumeTraining(str(run))), JobStarted)
        watched.is_in("running").until(lambda one: one.state.step > step)
        assert watched.ask(EndJob(str(run), "stop", escalate=True)) == Done()
        assert standing_of(run, recall(str(run))).state in ("stopped", "finished")


def check_live_tiles(watched: Watched) -> None:
    """The masks of a run that trains are drawn as those of any series."""
    series, options = SeriesId((str(watched.run),)), TimelineOptions()
    core = watched.core
    points = next(
        one
        for one in core.answers_to(core.send(TimelineWanted(series, options)))
        if isinstance(one, TimelinePoints)
    )
    count = len(np.frombuffer(points.steps, "<i8"))
    assert count >= 2
    key = TileKey(0, 0, 0, 0)
    wanted = SeriesTilesWanted(1, series, options, "layers.0.weight", "flips", 0, count - 1, (key,))
    tiles = [one for one in core.answers_to(core.send(wanted)) if isinstance(one, SeriesTile)]
    assert [(tile.height, tile.width) for tile in tiles] == [(64, 64)]


@pytest.mark.slow
def test_the_death_of_a_core_or_a_job_leaves_the_others(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    core = CoreClient()
    started = start(core, one, ("epochs", 5000))
    start(core, two, ("epochs", 5000))
    Watched(core, one).is_in("running").until(lambda it: steps_of(it) > 0)
    core.process.kill()
    core.end()
    with CoreClient() as again:
        jobs = next(again.answers_to(again.send(FollowJobs())))
        assert isinstance(jobs, Jobs)
        assert set(jobs.folders) == {str(one), str(two)}
        assert set(jobs.states) <= {"running", "starting"}
        watched = Watched(again, one).until(lambda it: it.state and it.state.caught_up)
        first = next(it for it in watched.seen if isinstance(it, RunSeries) and "loss" in it.names)
        assert np.frombuffer(first.steps, "<i8")[0] == 1, "all of it, from its beginning"
        os.kill(started.pid, signal.SIGKILL)
        watched.is_in("died")
        other = Watched(again, two).is_in("running")
        step = other.state.step
        other.until(lambda it: it.state.step > step)
        assert isinstance(other.ask(ResumeTraining(str(one))), JobStarted)
        assert other.ask(EndJob(str(two), "terminate")) == Done()
        other.is_in("stopped", "died")
    # The window is gone, and with it the core; the job is not.
    status = read_status(RunFolder(one).status)
    assert status is not None
    assert standing_of(one, recall(str(one))).alive
    with CoreClient() as last:
        *stages, done = last.ask(EndJob(str(one), "kill"))
        assert done == Done()
        assert isinstance(stages[-1], EndStage)
        assert stages[-1].processes == 0


@pytest.mark.slow
def test_form_command_line_and_python_make_the_same_run(tmp_path: Path) -> None:
    options: Options = (
        *SMALL,
        ("epochs", "1"),
        ("seed", 3),
        ("lr", "0.05"),
        ("coupling", "decoupled"),
    )
    runs = [tmp_path / name for name in ("form", "shell", "python")]
    with CoreClient() as core:
        drafts = [core.ask(DraftWanted(1, Recipe(options, str(run))))[0] for run in runs]
        assert all(isinstance(draft, Draft) and not draft.complaints for draft in drafts)
        assert 3 <= len(drafts[0].python.splitlines()) <= 10
        core.ask(StartTraining(drafts[0].recipe))
        Watched(core, runs[0]).is_in("finished")
    program, *words = shlex.split(drafts[1].command)
    assert program == "sparsescope"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for command in (["-m", "sparse_core", *words], ["-c", drafts[2].python]):
        subprocess.run([sys.executable, *command], check=True, env=environment, cwd=tmp_path)
    first, *others = [same(read_config(RunFolder(run).config)) for run in runs]
    assert others == [first, first]
    last = [RunFolder(run).steps(RunFolder(run).checkpoints)[-1] for run in runs]
    weights = {RunFolder(run).checkpoint(last[0]).read_bytes() for run in runs}
    assert len(weights) == 1


def same(config: RunConfig) -> RunConfig:
    """Leave out what differs between two runs of the same training."""
    return msgspec.structs.replace(config, command=(), started=0.0, commit="")


MINE = """
import sys
from pathlib import Path
Path({mark!r}).touch()
print("garbage on stdout", flush=True)
sys.stdout.buffer.write(b"\\xff\\x00{{not json\\n")
from sparse_core.training.tasks.digits import Digits
class Mine(Digits):
    "Digits, said to be mine."
    name = "mine"
    def data(self):
        print('{{"type": "evaluation"', flush=True)
        return super().data()
"""


@pytest.mark.slow
def test_a_users_file_runs_only_with_consent_and_prints_what_it_likes(tmp_path: Path) -> None:
    mark, file = tmp_path / "executed", tmp_path / "mine.py"
    file.write_text(MINE.format(mark=str(mark)))
    name = f"{file}:Mine"
    options: Options = (("task", name), ("hidden", "64,64"), ("layers", "*,!last"), ("epochs", 1))
    run = tmp_path / "run"
    with CoreClient() as core:
        form = core.ask(FormWanted(named=(name,)))[0]
        assert isinstance(form, Form)
        refusal = next(task.refusal for task in form.tasks if task.name == name)
        assert "would be executed" in refusal
        draft = core.ask(DraftWanted(1, Recipe(options, str(run))))[0]
        assert [complaint.key for complaint in draft.complaints] == ["task"]
        assert isinstance(core.ask(StartTraining(Recipe(options, str(run))))[0], Failed)
        assert not run.exists()
        assert not mark.exists()

        form = core.ask(FormWanted(trusted=(name,)))[0]
        assert [task.summary for task in form.tasks if task.name == name] == [
            "Digits, said to be mine."
        ]
        assert mark.exists()
        recipe = Recipe(options, str(run), (name,))
        assert core.ask(DraftWanted(1, recipe))[0].complaints == ()
        core.ask(StartTraining(recipe))
        Watched(core, run).is_in("finished")
        assert b"garbage on stdout" in RunFolder(run).log.read_bytes()

        mark.unlink()
        found = core.ask(RecipeWanted(str(run)))[0]
        assert isinstance(found, RecipeFound)
        assert found.asks == (name,)
        assert dict(found.recipe.options)["init"].endswith(".safetensors")
        refused = core.ask(StartTool("evaluate", str(run), (("task", name),)))[0]
        assert isinstance(refused, Failed)
        assert not mark.exists()
        job = core.ask(StartTool("evaluate", str(run), (("task", name),), (name,)))[0]
        assert isinstance(job, JobStarted)
        until_listed(core, job.folder, "finished")
        rows = core.ask(MeasurementsWanted(job.folder))[0]
        assert isinstance(rows, Measurements)
        assert rows.types == ("evaluation", "evaluation")
        assert rows.weights == ("stored", "projected")
        assert np.isfinite(np.frombuffer(rows.metric, "<f8")).all()


def until_listed(core: CoreClient, folder: str, *states: str) -> Jobs:
    """Wait until a job is listed in one of these states."""
    number = core.send(FollowJobs())
    for jobs in core.answers_to(number):
        assert isinstance(jobs, Jobs)
        if folder in jobs.folders and jobs.states[jobs.folders.index(folder)] in states:
            core.send(Cancel(number))
            return jobs
    raise AssertionError


def test_a_start_that_is_asked_twice_is_one_job(tmp_path: Path) -> None:
    with CoreClient() as core:
        run = tmp_path / "run"
        first = start(core, run, ("epochs", 500))
        assert start(core, run, ("epochs", 500)).pid == first.pid
        other = core.ask(StartTraining(Recipe((*SMALL, ("epochs", 2)), str(run))))[0]
        assert isinstance(other, Failed)
        assert "in use by process" in other.sentence
        assert core.ask(EndJob(str(run), "kill"))[-1] == Done()


LIMITED = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "


def limited(size: int) -> tuple[str, ...]:
    """Give a core that can write no file of more bytes: its disk is full."""
    return (sys.executable, "-c", LIMITED.format(size) + f"os.execv({SERVE[0]!r}, {SERVE!r})")


def test_nothing_is_started_on_a_full_disk(tmp_path: Path) -> None:
    with CoreClient(limited(0)) as core:
        failed = core.ask(StartTraining(Recipe(SMALL, str(tmp_path / "run"))))[0]
        assert isinstance(failed, Failed)
        assert "cannot be written" in failed.sentence
        assert everything() == []


@pytest.mark.slow
def test_a_job_on_a_full_disk_fails_with_a_sentence(tmp_path: Path) -> None:
    with CoreClient(limited(40_000)) as core:
        run = tmp_path / "run"
        start(core, run, ("epochs", 100))
        watched = Watched(core, run).is_in("failed")
        assert "cannot be written" in watched.state.sentence
        assert "Traceback" not in watched.state.sentence


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    recipe = Recipe((*SMALL[:-1], ("epochs", 3)), str(folder))
    wanted = StartSweep(recipe, (("lambda", (0.0, 0.01)), ("lr", (0.1, -1.0))))
    with CoreClient() as core:
        refused = core.ask(wanted)[0]
        assert isinstance(refused, JobStarted)
        jobs = until_listed(core, str(folder), "failed")
        assert "--lr of train must be at least 0" in jobs.sentences[0]
        assert not list(folder.glob("lambda*")), "nothing starts before all options fit"

        wanted = StartSweep(recipe, (("lambda", (0.0, 0.01)),))
        core.ask(wanted)
        first = folder / "lambda-0.0_seed-0"
        until(lambda: RunFolder(first).events.exists())
        assert core.ask(EndJob(str(folder)))[-1] == Done()
        jobs = until_listed(core, str(folder), "stopped")
        assert not (folder / "lambda-0.01_seed-0").exists()
        assert jobs.parents[jobs.folders.index(str(first))] == str(folder)

        core.ask(wanted)
        jobs = until_listed(core, str(folder), "finished")
        place = jobs.folders.index(str(folder))
        assert np.frombuffer(jobs.steps, "<i8")[place] == 2
        assert np.frombuffer(jobs.totals, "<i8")[place] == 2


def until(true: Callable[[], object]) -> None:
    """Wait for what must come, for as long as a busy machine may take."""
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.02)


def test_a_checkpoint_of_nobodys_run_asks_for_its_task(tmp_path: Path) -> None:
    demo = ROOT / "resources" / "demo" / "averaged.safetensors"
    with CoreClient() as core:
        found = core.ask(RecipeWanted(str(demo)))[0]
        assert isinstance(found, RecipeFound)
        assert dict(found.recipe.options)["init"] == str(demo)
        assert any("Name the task" in note for note in found.notes)
        missing = core.ask(RecipeWanted(str(tmp_path / "none")))[0]
        assert isinstance(missing, Failed)


def test_another_interpreter_that_cannot_train_is_a_sentence(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 3\n")
    fake.chmod(0o755)
    with CoreClient() as core:
        failed = core.ask(FormWanted(python=str(fake)))[0]
        assert isinstance(failed, Failed)
        assert "No module named torch" in failed.sentence
        draft = core.ask(DraftWanted(1, Recipe(SMALL, str(tmp_path / "r")), str(fake)))[0]
        assert isinstance(draft, Draft)
        assert "No module named torch" in draft.complaints[0].sentence
        with contextlib.suppress(OSError):
            fake.unlink()
        failed = core.ask(FormWanted(python=str(fake)))[0]
        assert "cannot be started" in failed.sentence
