"""`train --sweep`: one run after the other, each in a process of its own.

A run that fails, or dies, does not stop the rest; one that is finished already is skipped and one
that stopped is resumed, so the same command goes on where it was. A wish to stop, by signal or
``control.json``, ends the run that trains well, and the sweep with it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from sparse_core.errors import RunError
from sparse_core.runs.config import read_config
from sparse_core.runs.control import read_control, steer
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import STOPPED
from sparse_core.runs.known import Known, recall, remember
from sparse_core.runs.launch import environment, module_command
from sparse_core.runs.lock import RunLock
from sparse_core.runs.recipes import names_file
from sparse_core.runs.status import Heartbeat, process_start
from sparse_core.runs.sweeps import Plan, SweepRun, is_complete, plan_of, read_over, write_plan

LOOK_S = 0.2
FAILED = 1


class Sweep:
    """Trains the runs of a sweep.

    Parameters
    ----------
    folder : Path
        Gets a run folder for each.
    words : sequence of str
        Options of ``train`` that all runs share.
    over : sequence of str
        ``KEY=VALUE,VALUE`` each.
    seed, seeds : int
        The first seed, and how many.
    """

    def __init__(
        self, folder: Path, words: Sequence[str], over: Sequence[str], seed: int, seeds: int
    ) -> None:
        self.folder = folder.absolute()
        self.runs = plan_of(read_over(over), seed, seeds)
        self._words = tuple(words)
        self._stop = False
        self._listed = recall(str(self.folder)) is not None
        self._child: subprocess.Popen[bytes] | None = None

    def train(self, command: Sequence[str]) -> int:
        """Train them all.

        Returns
        -------
        int
            0, or 1 if any failed.

        Raises
        ------
        RunError
            If the folder is a run, or in use.
        """
        own = RunFolder(self.folder)
        if own.config.exists():
            raise RunError(f"{self.folder} is a run: name another folder for the sweep.")
        self.folder.mkdir(parents=True, exist_ok=True)
        with RunLock(own), self._signals():
            write_plan(self.folder, Plan(self.runs, tuple(command)))
            steer(own.control, wanted="run")
            heart = Heartbeat(own.status)
            try:
                failed = self._all(heart)
            except BaseException:
                heart.tell("failed", 0, "The sweep was cut off.")
                raise
            finally:
                heart.close()
        return FAILED if failed else 0

    def _all(self, heart: Heartbeat) -> int:
        """Train one after the other; gives how many failed."""
        failed = done = 0
        heart.tell("running", 0)
        for number, run in enumerate(self.runs, 1):
            if self._stop:
                break
            self._say(f"[{number}/{len(self.runs)}] {run.name}")
            status = self._one(run)
            whole = is_complete(self.folder / run.name)
            if status and not self._stop:
                failed += 1
                self._say(f"[{number}/{len(self.runs)}] {run.name} failed with status {status}")
            done += whole
            heart.tell("running", done)
        sentence = f"{failed} of {len(self.runs)} runs failed." if failed else ""
        if self._stop:
            heart.tell("finished", done, STOPPED)
        else:
            heart.tell("failed" if failed else "finished", done, sentence)
        self._say(f"{self.folder}: {done} of {len(self.runs)} runs are complete")
        return failed

    def _one(self, run: SweepRun) -> int:
        """Train one run, or go on with it; gives its exit status."""
        folder = self.folder / run.name
        if is_complete(folder):
            self._say(f"{run.name} is complete already")
            return 0
        words = self._resumed(folder) if RunFolder(folder).config.exists() else self._fresh(run)
        folder.mkdir(exist_ok=True)
        with RunFolder(folder).log.open("ab") as log:
            # In our process group: Ctrl+C in a terminal reaches it, too, and it saves.
            child = self._child = subprocess.Popen(
                module_command("", words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
            )
        if self._listed:
            self._list(folder, words, child.pid)
        return self._wait(child, folder)

    def _list(self, folder: Path, words: tuple[str, ...], pid: int) -> None:
        """Put a run on the list, as its sweep is."""
        remember(
            Known(
                folder=str(folder),
                words=words,
                pid=pid,
                pid_start=process_start(pid),
                host=socket.gethostname(),
                started=time.time(),
            )
        )

    def _environment(self) -> dict[str, str]:
        """Add our root to what the user has on the path for modules: a task may import theirs."""
        ours = environment("")
        theirs = os.environ.get("PYTHONPATH", "")
        paths = [path for path in (ours.get("PYTHONPATH", ""), theirs) if path]
        return {**ours, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}

    def _fresh(self, run: SweepRun) -> tuple[str, ...]:
        named = [f"--{key.replace('_', '-')}={value}" for key, value in run.options]
        return ("train", "--run", str(self.folder / run.name), *self._words, *named)

    def _resumed(self, folder: Path) -> tuple[str, ...]:
        """Name the user's own files again: they are in our words, so they are trusted."""
        config = read_config(RunFolder(folder).config)
        words = ["train", "--run", str(folder), "--resume"]
        for key in ("task", "method"):
            name = getattr(config, key)
            if names_file(name) and name in " ".join(self._words):
                words += [f"--{key}", name]
        return tuple(words)

    def _wait(self, child: subprocess.Popen[bytes], folder: Path) -> int:
        """Wait for a run, and pass on a wish to stop."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(LOOK_S)
            if not self._stop and read_control(RunFolder(self.folder).control).wanted == "stop":
                self._stop = True
                steer(RunFolder(folder).control, wanted="stop")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM stop the run that trains, and nothing follow."""

        def handle(number: int, frame: FrameType | None) -> None:
            del frame
            self._stop = True
            if self._child is not None and number == signal.SIGTERM:
                self._child.terminate()

        before = {one: signal.signal(one, handle) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
