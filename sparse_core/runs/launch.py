"""Start a job that outlives whoever starts it.

It gets a session of its own, so that no signal to our group reaches it, and no pipe to anybody,
so that nobody's death blocks or ends it: stdin is empty, stdout and stderr are its log file. It
starts in the user's home with only our own root on the path for modules, so that no ``msgspec.py``
beside a downloaded checkpoint is ever imported.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

import sparse_core
from sparse_core.errors import RunError
from sparse_core.runs.atomic import disk_errors
from sparse_core.runs.known import Known, forget, remember
from sparse_core.runs.processes import TOKEN
from sparse_core.runs.status import process_start

LOG = "log.txt"


def interpreter(python: str) -> str:
    """Give the interpreter that is meant, "" for the one that runs here."""
    return str(Path(python).expanduser()) if python else sys.executable


def module_command(python: str, words: Sequence[str]) -> tuple[str, ...]:
    """Give the argument vector of a command of ours under an interpreter."""
    return (interpreter(python), "-P", "-m", "sparse_core", *words)


def environment(python: str, token: str = "") -> dict[str, str]:
    """Give the environment of a child.

    Another interpreter than ours finds us by our root only where that holds nothing but us: the
    packages beside an installed copy were built for this one.
    """
    root = Path(sparse_core.__file__).resolve().parents[1]
    alone = root.name not in ("site-packages", "dist-packages")
    found = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if alone or interpreter(python) == sys.executable:
        found["PYTHONPATH"] = str(root)
    if token:
        found[TOKEN] = token
    return found


def launch(job: Known) -> tuple[Known, subprocess.Popen[bytes]]:
    """Start a job and put it on the list.

    Parameters
    ----------
    job : Known
        Its folder exists; ``words`` say what to do.

    Returns
    -------
    job, process
        With its process and token; the handle is there to be polled, or else the process would
        stay as a zombie once it ends.

    Raises
    ------
    RunError
        If there is no such interpreter, or the log cannot be written.
    """
    token = secrets.token_hex(8)
    command = module_command(job.python, job.words)
    log = Path(job.folder) / LOG
    # Before the process exists: one that nobody could find again must never be started.
    remember(job)
    with disk_errors(log), log.open("ab") as out:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=Path.home(),
                env=environment(job.python, token),
                start_new_session=True,
            )
        except OSError as error:
            forget(job.folder)
            raise RunError(
                f"{command[0]} cannot be started: {error.strerror}. Choose another Python "
                "interpreter in the settings."
            ) from error
    started = msgspec.structs.replace(
        job,
        token=token,
        pid=process.pid,
        pid_start=process_start(process.pid),
        host=socket.gethostname(),
        started=time.time(),
        asked=None,
    )
    try:
        remember(started)
    except RunError:
        process.kill()
        process.wait()
        raise
    return started, process
