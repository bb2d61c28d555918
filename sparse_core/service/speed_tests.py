"""Speed tests: a process of its own measures while this core keeps still."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from tempfile import TemporaryFile

import msgspec
import numpy as np

from sparse_core.errors import Cancelled, RunError, SparseError
from sparse_core.messages import Done
from sparse_core.messages.speed import (
    Row,
    SpeedHistory,
    SpeedHistoryWanted,
    SpeedResultWanted,
    SpeedRows,
    SpeedSaved,
    SpeedWanted,
)
from sparse_core.runs.launch import environment, module_command
from sparse_core.runs.places import absolute
from sparse_core.service.lanes import Job
from sparse_core.service.scanning import Scans
from sparse_core.speed import history

LOOK_S = 0.1
GRACE_S = 3.0
"""After so long a process that was told to end is killed."""
_DECODER = msgspec.json.Decoder(Row)


class SpeedTests:
    """Answers questions about speed.

    Parameters
    ----------
    scans : Scans
        They rest while something is timed.
    """

    def __init__(self, scans: Scans) -> None:
        self._scans = scans

    def run(self, job: Job, wanted: SpeedWanted) -> SpeedSaved:
        """Measure, pass the rows on, and keep them."""
        rows: list[Row] = []
        path = str(absolute(wanted.path)) if wanted.path else ""
        try:
            with self._scans.resting():
                for row in _measured(job, wanted, path):
                    rows.append(row)
                    job.answer(SpeedRows((row,)))
        except Cancelled:
            if rows:
                history.keep(path, rows)
            raise
        return SpeedSaved(str(history.keep(path, rows)) if rows else "")

    def history(self, job: Job, wanted: SpeedHistoryWanted) -> SpeedHistory:
        """List the tests of a checkpoint."""
        found = []
        for path in history.tests_of(str(absolute(wanted.path)) if wanted.path else ""):
            job.tick()
            try:
                found.append(
                    (str(path), history.title_of(history.read(path)), path.stat().st_mtime)
                )
            except (SparseError, OSError):
                # A test that cannot be read is not offered.
                continue
        started = np.array([one[2] for one in found], "<f8").tobytes()
        return SpeedHistory(tuple(one[0] for one in found), tuple(one[1] for one in found), started)

    def result(self, job: Job, wanted: SpeedResultWanted) -> Done:
        """Read a test that is kept, or one of another machine."""
        job.answer(SpeedRows(history.read(absolute(wanted.path))))
        return Done()


def words_of(wanted: SpeedWanted, path: str) -> tuple[str, ...]:
    """Give the words after the program that time the same."""
    words = ["speed", *([path] if path else [])]
    for shape in wanted.shapes:
        words += ["--shape", shape]
    if wanted.shapes:
        words += ["--pattern", ",".join(wanted.patterns)]
    if path and wanted.layers != "*":
        words += ["--layers", wanted.layers]
    words += ["--batch", ",".join(map(str, wanted.batches))]
    if wanted.dtype:
        words += ["--dtype", wanted.dtype]
    if wanted.backends:
        words += ["--backends", ",".join(wanted.backends)]
    words += ["--device", wanted.device, "--threads", str(wanted.threads)]
    words += ["--seconds", f"{wanted.seconds:g}"]
    if wanted.task:
        words += ["--task", wanted.task]
    return (*words, "--json")


def _measured(job: Job, wanted: SpeedWanted, path: str) -> Iterator[Row]:
    """Run the command and give its rows; it ends with whoever asked."""
    command = module_command(wanted.python, words_of(wanted, path))
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=Path.home(),
                env=environment(wanted.python),
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(
                f"{command[0]} cannot be started: {error.strerror}. Choose another Python "
                "interpreter in the settings."
            ) from error
        try:
            for line in _lines(process, job):
                yield _DECODER.decode(line)
            status = process.wait()
        finally:
            _end(process)
        if status:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
            last = text.splitlines()[-1] if text else f"it ended with {status} and no word"
            raise RunError(last.removeprefix("sparsescope: ").removeprefix("error: "))


def _lines(process: subprocess.Popen[bytes], job: Job) -> Iterator[bytes]:
    """Give whole lines as they come, asking now and then whether they are still wanted."""
    assert process.stdout is not None
    rest = b""
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while True:
            job.tick()
            if not selector.select(LOOK_S):
                continue
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (line for line in lines if line.strip())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
