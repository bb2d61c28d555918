"""What it costs to follow a run, to start one from the window, and to end one that will not.

    python benchmarks/follow_run.py [--events 200000] [--seconds 20] [--rounds 3]

Events come through a core and the window's own link, without a page. Wanted: following a live run
costs the window at most 2 % of a core; 200,000 events arrive without a stall above 50 ms; from the
request to start until the first event at most 1.3 times as long as the same command in a terminal;
15 s after a stop no process of a job is left that ignores it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

# ruff: noqa: E402 - the environment comes first
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
SCRATCH = tempfile.TemporaryDirectory(prefix="sparsescope-follow-")
os.environ["XDG_STATE_HOME"] = SCRATCH.name
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "runs")]

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication
from stubborn_job import DEAF, GRANDCHILD, SLEEP, script

from inspector.link.core import CoreLink
from sparse_core.messages import Answer
from sparse_core.messages.jobs import EndJob, StartTraining
from sparse_core.messages.runs import FollowRun, RunSeries
from sparse_core.messages.training import Recipe
from sparse_core.runs.events import Started, Step, to_line
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.known import Known, recall
from sparse_core.runs.launch import launch
from sparse_core.runs.processes import Process, processes_of
from sparse_core.runs.recipes import option_words
from sparse_core.runs.status import Heartbeat

RATE = 100
"""Events a second of the live run: a small network on a fast machine."""
TICK_MS = 5
LOOK_MS = 20
PATIENCE_S = 120.0
RECIPE = (("task", "digits"), ("method", "sr-ste"), ("epochs", 2), ("hidden", "64,64"))


class Loop:
    """The window's event loop, and how long it stood still."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._last = perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def _tick(self) -> None:
        now = perf_counter()
        self.longest_ms = max(self.longest_ms, 1000 * (now - self._last) - TICK_MS)
        self._last = now

    def until(self, true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Let the window live until something is true."""
        loop, limit = QEventLoop(), perf_counter() + patience_s
        looks = QTimer()
        looks.timeout.connect(lambda: loop.quit() if true() or perf_counter() > limit else None)
        looks.start(LOOK_MS)
        self.longest_ms, self._last = 0.0, perf_counter()
        loop.exec()
        if not true():
            raise SystemExit("it never came")

    def live(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = perf_counter() + seconds
        self.until(lambda: perf_counter() >= end)


class Follower:
    """Counts the rows that arrive of a run."""

    def __init__(self, link: CoreLink, run: Path) -> None:
        self.rows = 0
        self.call = link.ask(FollowRun(str(run)), self._take)

    def _take(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, RunSeries) and "loss" in body.names:
            self.rows += len(body.steps) // 8


def step(number: int) -> Step:
    """Make an event as a training writes it."""
    return Step(
        step=number,
        time=time.time(),
        elapsed_s=number / RATE,
        epoch=number / 100,
        loss=1 / number,
        lr=0.1,
        samples_per_s=1000.0,
        left_s=10.0,
    )


def begin(run: RunFolder) -> None:
    """Write the first event of a run."""
    run.make()
    began = Started(
        step=0,
        time=time.time(),
        elapsed_s=0.0,
        task="digits",
        method="sr-ste",
        pattern="2:4",
        axis="in",
        metric="accuracy",
        higher_is_better=True,
        steps=10**6,
        steps_an_epoch=100,
        parameters=1,
        layers=(),
    )
    run.events.write_bytes(to_line(began))


def cpu_of(pid: int) -> float:
    """Give the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def history(loop: Loop, link: CoreLink, count: int) -> None:
    """Measure how a long run arrives."""
    run = RunFolder(Path(SCRATCH.name) / "long")
    begin(run)
    with run.events.open("ab") as file:
        file.writelines(to_line(step(number)) for number in range(1, count + 1))
    begun, core, window = perf_counter(), cpu_of(link.pid), process_time()
    follower = Follower(link, run.root)
    loop.until(lambda: follower.rows >= count)
    print(f"events: {count}")
    print(f"arrived_s: {perf_counter() - begun:.3f}")
    print(f"longest_stall_ms: {loop.longest_ms:.1f}")
    print(f"core_cpu_s: {cpu_of(link.pid) - core:.2f}")
    print(f"window_cpu_s: {process_time() - window:.3f}")
    link.cancel(follower.call)


def live(loop: Loop, link: CoreLink, seconds: float) -> None:
    """Measure what following a live run costs, less what the same window costs idle."""
    run = RunFolder(Path(SCRATCH.name) / "live")
    begin(run)
    writer = subprocess.Popen(
        [sys.executable, __file__, "--write", str(run.root), "--seconds", str(seconds + 5)]
    )
    idle = _share(loop, link, seconds / 2)
    follower = Follower(link, run.root)
    loop.until(lambda: follower.rows > 0)
    before = follower.rows
    busy = _share(loop, link, seconds)
    print(f"live_events_per_s: {(follower.rows - before) / seconds:.0f}")
    print(f"window_percent_of_a_core: {100 * (busy[0] - idle[0]):.2f}")
    print(f"core_percent_of_a_core: {100 * (busy[1] - idle[1]):.2f}")
    print(f"live_longest_stall_ms: {loop.longest_ms:.1f}")
    link.cancel(follower.call)
    writer.terminate()
    writer.wait()


def _share(loop: Loop, link: CoreLink, seconds: float) -> tuple[float, float]:
    window, core, begun = process_time(), cpu_of(link.pid), perf_counter()
    loop.live(seconds)
    passed = perf_counter() - begun
    return (process_time() - window) / passed, (cpu_of(link.pid) - core) / passed


def write_live(root: Path, seconds: float) -> None:
    """Write a run as a training does, in a process of its own."""
    run = RunFolder(root)
    heart = Heartbeat(run.status)
    heart.tell("running", 0)
    ended = threading.Event()
    threading.Timer(seconds, ended.set).start()
    number = 0
    with run.events.open("ab", buffering=0) as file:
        while not ended.wait(1 / RATE):
            number += 1
            file.write(to_line(step(number)))
    heart.close()


def starting(loop: Loop, link: CoreLink, rounds: int) -> None:
    """Measure how long a start takes, here and in a terminal, in turns."""
    terminal, window = [], []
    for number in range(rounds):
        terminal.append(_terminal(Path(SCRATCH.name) / f"terminal-{number}"))
        run = Path(SCRATCH.name) / f"window-{number}"
        begun = perf_counter()
        link.ask(StartTraining(Recipe(RECIPE, str(run))))
        follower = Follower(link, run)
        loop.until(lambda follower=follower: follower.rows > 0)
        window.append(perf_counter() - begun)
        loop.until(lambda run=run: not _left(run))
    print(f"terminal_first_event_s: {median(terminal):.2f}")
    print(f"window_first_event_s: {median(window):.2f}")
    print(f"window_over_terminal: {median(window) / median(terminal):.2f}")


def _terminal(run: Path) -> float:
    """Time the command in a terminal to its first step."""
    words = ("train", "--run", str(run), "--json", *option_words(RECIPE))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun, first = perf_counter(), 0.0
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sparse_core", *words],
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        for line in process.stdout or ():
            if not first and json.loads(line)["event"] == "step":
                first = perf_counter() - begun
    return first


def _left(run: Path) -> tuple[Process, ...]:
    known = recall(str(run))
    if known is None:
        return ()
    return processes_of(Process(known.pid, known.pid_start), known.token, session=True)


def ending(loop: Loop, link: CoreLink) -> None:
    """Measure how long it takes to end a job that ignores everything but the end."""
    folder = Path(SCRATCH.name) / "deaf"
    folder.mkdir()
    python = script(Path(SCRATCH.name) / "python", DEAF, GRANDCHILD, SLEEP)
    _, process = launch(Known(folder=str(folder), python=python, words=("train",)))
    loop.until(lambda: len(_left(folder)) == 2)
    done: list[Answer] = []
    begun = perf_counter()
    link.ask(
        EndJob(str(folder), "stop", escalate=True),
        lambda answer: done.append(answer) if answer.last else None,
    )
    loop.until(lambda: bool(done))
    print(f"deaf_job_ended_s: {perf_counter() - begun:.1f}")
    print(f"deaf_job_processes_left: {len(_left(folder))}")
    process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write:
        write_live(args.write, args.seconds)
        return
    app = QApplication([])
    loop, link = Loop(), CoreLink()
    link.start()
    loop.until(lambda: link.ready)
    try:
        history(loop, link, args.events)
        live(loop, link, args.seconds)
        starting(loop, link, args.rounds)
        ending(loop, link)
    finally:
        link.stop()
        SCRATCH.cleanup()
        app.quit()


if __name__ == "__main__":
    main()
