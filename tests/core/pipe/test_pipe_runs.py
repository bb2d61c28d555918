"""Runs followed by a core: columns from live folders, whatever happens to them."""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from core_client import CoreClient

from sparse_core.messages import Cancel, Done, Failed, Reply, Stopped
from sparse_core.messages.jobs import (
    FollowJobs,
    ForgetJobs,
    Jobs,
    KnowRun,
    Log,
    LogWanted,
    Steer,
    Steered,
)
from sparse_core.messages.runs import (
    Advice,
    AdviceWanted,
    FollowRun,
    RunAlert,
    RunGroups,
    RunHead,
    RunLayers,
    RunMarks,
    RunSeries,
    RunsTable,
    RunState,
    RunsWanted,
)
from sparse_core.runs.config import RunConfig, write_config
from sparse_core.runs.control import read_control
from sparse_core.runs.events import (
    Event,
    Finished,
    GroupNorms,
    LayerChoice,
    Mask,
    Saved,
    Set,
    Started,
    Step,
    to_line,
)
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.status import Status, process_start
from sparse_core.runs.writer import cut_events
from sparse_core.service.followed_run import FollowedRun

NAMES = ("a", "b")


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a list of jobs of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of this process that has just begun."""
    run = RunFolder(tmp_path / "run")
    run.make()
    write_config(
        run.config,
        RunConfig(
            task="digits",
            method="sr-ste",
            pattern="2:4",
            axis="in",
            options={"lr": 0.1, "init": "", "epochs": None},
            method_options={"lambda": 0.5},
            command=("sparsescope", "train", "--run", "a b"),
            started=5.0,
        ),
    )
    append(run, begun())
    beat(run, "running")
    return run


def at(step: int) -> dict[str, float]:
    return {"step": step, "time": time.time(), "elapsed_s": float(step)}


def begun() -> Started:
    return Started(
        task="digits",
        method="sr-ste",
        pattern="2:4",
        axis="in",
        metric="accuracy",
        higher_is_better=True,
        steps=1000,
        steps_an_epoch=10,
        parameters=64,
        layers=(
            LayerChoice("a", "linear", (8, 4), True),
            LayerChoice("b", "linear", (8, 4), False, "the last layer"),
        ),
        exponent=1.5,
        **at(0),
    )


def step(number: int, loss: float | None = None, **values: float) -> Step:
    value = 1 / number if loss is None else loss
    return Step(epoch=number / 10, loss=value, lr=0.1, left_s=3.0, values=values, **at(number))


def mask(number: int, since: int | None, *sad: int, groups: tuple[GroupNorms, ...] = ()) -> Mask:
    return Mask(
        since=since,
        layers=NAMES[: len(sad)],
        entries=(32,) * len(sad),
        kept=(16,) * len(sad),
        sad=sad,
        births=tuple(one // 2 for one in sad),
        deaths=tuple(one - one // 2 for one in sad),
        sparsity=0.5,
        flip_rate=0.25,
        pull=(0.5, None)[: len(sad)],
        exponent=0.1,
        groups=groups,
        **at(number),
    )


def append(run: RunFolder, *events: Event) -> None:
    with run.events.open("ab") as file:
        file.write(b"".join(to_line(event) for event in events))


def beat(run: RunFolder, state: str, *, pid: int = 0, start: str = "", host: str = "") -> None:
    pid = pid or os.getpid()
    status = Status(
        state, 0, pid, start or process_start(pid), host or socket.gethostname(), time.time()
    )
    run.status.write_bytes(msgspec.json.encode(status))


class Watcher:
    """One question about a run, and all that came of it."""

    def __init__(self, core: CoreClient, run: RunFolder | Path) -> None:
        self.core = core
        root = run.root if isinstance(run, RunFolder) else run
        self.call = core.send(FollowRun(str(root)))
        self.seen: list[Reply] = []

    def until(self, enough: Callable[["Watcher"], object]) -> "Watcher":
        """Take answers until there is enough."""
        while not enough(self):
            answer = self.core.anything()
            if answer.id == self.call:
                self.seen.append(answer.body)
        return self

    def of(self, kind: type) -> list:
        return [one for one in self.seen if isinstance(one, kind)]

    @property
    def state(self) -> RunState | None:
        return self.of(RunState)[-1] if self.of(RunState) else None

    @property
    def since_head(self) -> list[Reply]:
        heads = [number for number, one in enumerate(self.seen) if isinstance(one, RunHead)]
        return self.seen[heads[-1] + 1 :] if heads else []


def curve(replies: Iterable[Reply], name: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for one in replies:
        if isinstance(one, RunSeries) and name in one.names:
            values = np.frombuffer(one.values[one.names.index(name)], "<f8")
            steps = np.frombuffer(one.steps, "<i8")
            found |= dict(zip(steps.tolist(), values.tolist(), strict=True))
    return found


def has_steps(count: int) -> Callable[[Watcher], bool]:
    return lambda watcher: len(curve(watcher.since_head, "loss")) >= count


def test_what_is_there_then_what_is_new(folder: RunFolder) -> None:
    norms = (GroupNorms("a", "filter", 8, 2, 0.0, 1.0, 2.0),)
    append(folder, mask(0, None, 0, 0), step(1, top5=0.25), mask(10, 0, 4, 2, groups=norms))
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(lambda one: one.state and one.state.caught_up)
        head = watcher.of(RunHead)[0]
        assert (head.task, head.steps, head.exponent) == ("digits", 1000, 1.5)
        assert (head.layers, list(head.sparse)) == (NAMES, [1, 0])
        assert dict(head.options) == {"lr": 0.1, "init": "", "lambda": 0.5}
        assert head.command == "sparsescope train --run 'a b'"
        assert curve(watcher.seen, "top5") == {1: 0.25}
        assert curve(watcher.seen, "flip rate")[10] == 0.25
        assert watcher.of(RunGroups)[0].layers == ("a",)
        layers = watcher.of(RunLayers)[-1]
        assert np.frombuffer(layers.frozen_since, "<i8").tolist() == [-1, -1]
        assert np.frombuffer(layers.pull, "<f8").reshape(-1, 2)[1, 0] == 0.5
        append(folder, step(11), mask(20, 10, 0, 1), Saved(path="checkpoints/x", bytes=7, **at(20)))
        append(folder, Set(name="lambda", value=0.5, **at(20)))
        watcher.until(lambda one: len(one.of(RunMarks)) and has_steps(2)(one))
        layers = watcher.of(RunLayers)[-1]
        assert np.frombuffer(layers.steps, "<i8").tolist() == [20]
        assert np.frombuffer(layers.frozen_since, "<i8").tolist() == [10, -1]
        marks = watcher.of(RunMarks)
        assert [kind for one in marks for kind in one.kinds] == ["saved", "set"]
        assert marks[0].names[0] == str(folder.root / "checkpoints/x")
        assert len(watcher.of(RunHead)) == 1
        core.send(Cancel(watcher.call))
        answers = iter(core.anything, None)
        assert next(one.body for one in answers if one.id == watcher.call) == Stopped()


def test_a_half_written_line_waits_for_its_end(folder: RunFolder) -> None:
    line = to_line(step(2))
    with CoreClient() as core:
        append(folder, step(1))
        with folder.events.open("ab", buffering=0) as file:
            file.write(line[:20])
            watcher = Watcher(core, folder).until(lambda one: one.state and one.state.caught_up)
            assert list(curve(watcher.seen, "loss")) == [1]
            file.write(line[20:])
            watcher.until(has_steps(2))
        assert list(curve(watcher.seen, "loss")) == [1, 2]


def test_lines_that_are_no_events_are_passed_over(folder: RunFolder) -> None:
    with folder.events.open("ab") as file:
        file.write(b'\xff\xfe\n{"event":"tomorrow","step":1}\n\n[1,2]\n')
    append(folder, step(1))
    with CoreClient() as core:
        Watcher(core, folder).until(has_steps(1))


def test_a_folder_that_is_deleted_and_made_anew(folder: RunFolder) -> None:
    append(folder, step(1), step(2))
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(has_steps(2))
        shutil.rmtree(folder.root)
        watcher.until(lambda one: one.state and one.state.state == "gone")
        watcher.until(lambda one: one.of(RunAlert))
        assert [one.kind for one in watcher.of(RunAlert)] == ["gone"]
        folder.make()
        append(folder, begun(), step(7))
        beat(folder, "running")
        watcher.until(lambda one: list(curve(one.since_head, "loss")) == [7])
        watcher.until(lambda one: one.state and one.state.state == "running")


def test_a_resume_that_cut_the_end_begins_with_a_new_head(folder: RunFolder) -> None:
    append(folder, *(step(number) for number in range(1, 8)))
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(has_steps(7))
        cut_events(folder.events, 3)
        append(folder, step(4, 0.75))
        watcher.until(lambda one: 0.75 in curve(one.since_head, "loss").values())
        assert list(curve(watcher.since_head, "loss")) == [1, 2, 3, 4]


def test_a_run_that_does_not_exist_yet(tmp_path: Path, folder: RunFolder) -> None:
    later = tmp_path / "later"
    with CoreClient() as core:
        watcher = Watcher(core, later).until(lambda one: one.state is not None)
        assert watcher.state.state == "gone"
        assert watcher.of(RunAlert) == []
        shutil.copytree(folder.root, later)
        append(RunFolder(later), step(1))
        watcher.until(has_steps(1))
        assert watcher.of(RunHead)[-1].method == "sr-ste"


def test_two_windows_on_one_run_see_the_same(folder: RunFolder) -> None:
    append(folder, *(step(number) for number in range(1, 50)))
    with CoreClient() as one, CoreClient() as two:
        watchers = [Watcher(core, folder) for core in (one, two)]
        append(folder, *(step(number) for number in range(50, 99)))
        curves = [curve(watcher.until(has_steps(98)).seen, "loss") for watcher in watchers]
        assert curves[0] == curves[1]
        assert list(curves[0]) == list(range(1, 99))
        # Both steer: each wish rises the number, none is lost.
        for number, core in enumerate((one, two), 1):
            steered = core.ask(Steer(str(folder.root), knobs=((f"knob{number}", 1.0),)))[0]
            assert isinstance(steered, Steered)
            assert steered.number == number
        assert read_control(folder.control).knobs == {"knob1": 1.0, "knob2": 1.0}


def test_many_events_arrive_in_small_frames_and_nothing_else_waits(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "many")
    run.make()
    count = 200_000
    with run.events.open("wb") as file:
        file.write(to_line(begun()))
        line = json.loads(to_line(step(1)))
        for number in range(1, count + 1):
            line |= {"step": number, "loss": float(number % 977)}
            file.write(json.dumps(line).encode() + b"\n")
    follower = FollowedRun(str(run.root))
    told: list[Reply] = []
    looks = 1
    while follower.look(told.append):
        looks += 1
    rows = [len(one.steps) // 8 for one in told if isinstance(one, RunSeries)]
    assert sum(rows) == count
    assert max(rows) <= 5000
    assert looks > 10  # no look takes it all: others are looked at in between
    steps = np.concatenate(
        [np.frombuffer(one.steps, "<i8") for one in told if isinstance(one, RunSeries)]
    )
    assert np.array_equal(steps, np.arange(1, count + 1))
    assert follower.look(told.append) is False


def test_a_window_that_takes_nothing_makes_nothing_grow(folder: RunFolder) -> None:
    append(folder, *(step(number) for number in range(1, 60_000)))
    with CoreClient(pays=False) as core:
        watcher = Watcher(core, folder)
        core.ask(Steer(str(folder.root)))  # answered past the bulk that nobody takes
        number = core.send(Cancel(watcher.call))
        answers = iter(core.anything, None)
        assert next(one.body for one in answers if one.last and one.id != number) == Stopped()


def test_a_run_of_another_machine_lives_by_its_heartbeat(folder: RunFolder) -> None:
    beat(folder, "running", pid=1, start="x", host="elsewhere")
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(lambda one: one.state and one.state.caught_up)
        assert (watcher.state.host, watcher.state.here, watcher.state.alive) == (
            "elsewhere",
            False,
            True,
        )


def test_a_death_is_told_once(folder: RunFolder) -> None:
    append(folder, step(3))
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(lambda one: one.state and one.state.alive)
        beat(folder, "running", start="another boot:1")
        watcher.until(lambda one: one.of(RunAlert))
        assert watcher.state.state == "died"
        append(folder, step(4))
        watcher.until(lambda one: 4 in curve(one.seen, "loss"))
        assert [one.kind for one in watcher.of(RunAlert)] == ["died"]


def test_a_finished_run_of_last_year(folder: RunFolder) -> None:
    figures = {"best": 0.9, "bytes": {"dense": 12, "n:m": 7}, "smallest": "n:m"}
    append(folder, step(1), Finished(reason="complete", figures=figures, **at(1)))
    beat(folder, "finished", start="another boot:1")
    with CoreClient() as core:
        watcher = Watcher(core, folder).until(lambda one: one.state and one.state.caught_up)
        assert watcher.state.state == "finished"
        assert watcher.of(RunAlert) == []
        assert dict(watcher.state.figures) == {"best": 0.9, "bytes dense": 12.0, "bytes n:m": 7.0}


# ---------------------------------------------------------------- the list, the log, the table


def jobs_of(core: CoreClient, enough: Callable[[Jobs], object]) -> Jobs:
    number = core.send(FollowJobs())
    for reply in core.answers_to(number):
        assert isinstance(reply, Jobs)
        if enough(reply):
            core.send(Cancel(number))
            return reply
    raise AssertionError


def test_a_run_that_was_opened_is_listed_until_it_is_forgotten(folder: RunFolder) -> None:
    with CoreClient() as core:
        root = str(folder.root)
        assert isinstance(core.ask(KnowRun(root))[0], Done)
        listed = jobs_of(core, lambda jobs: jobs.folders)
        assert (listed.folders, listed.states) == ((root,), ("running",))
        assert listed.titles == ("sr-ste 2:4 on digits",)
        assert np.frombuffer(listed.totals, "<i8").tolist() == [1000]
        core.ask(ForgetJobs((root,)))
        assert jobs_of(core, lambda _: True).folders == (root,), "it is alive"
        beat(folder, "finished")
        core.ask(ForgetJobs((root,)))
        assert jobs_of(core, lambda _: True).folders == ()
        failed = core.ask(KnowRun(str(folder.root.parent)))[0]
        assert isinstance(failed, Failed)
        assert "is no run folder" in failed.sentence


def test_the_end_of_a_log_that_holds_anything(folder: RunFolder) -> None:
    folder.log.write_bytes(b"old\n" * 1000 + b"\x1b[2Jbad\xff\n 10 %\r 20 %\r100 %\nlast")
    with CoreClient() as core:
        log = core.ask(LogWanted(1, str(folder.root), 60))[0]
        assert isinstance(log, Log)
        assert log.cut
        assert log.text.endswith(
            "\N{REPLACEMENT CHARACTER}[2Jbad\N{REPLACEMENT CHARACTER}\n100 %\nlast"
        )
        assert core.ask(LogWanted(1, str(folder.root / "none"))) == [
            Log(1, str(folder.root / "none"), "", False)
        ]


def test_a_table_and_advice_over_the_pipe(folder: RunFolder, tmp_path: Path) -> None:
    append(folder, step(1))
    beat(folder, "running", start="another boot:1")
    shutil.copytree(folder.root, tmp_path / "runs" / "one")
    shutil.copytree(folder.root, tmp_path / "runs" / "two")
    with CoreClient() as core:
        *_, table = core.ask(RunsWanted((str(tmp_path / "runs"),)))
        assert isinstance(table, RunsTable)
        assert table.names == ("one", "two")
        assert table.states == ("died", "died")
        assert np.frombuffer(table.group_counts, "<i8").tolist() == [2]
        advice = core.ask(AdviceWanted(str(tmp_path / "runs" / "one")))[0]
        assert isinstance(advice, Advice)
        assert [action.kind for action in advice.actions] == ["resume"]
