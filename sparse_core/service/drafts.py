"""What may be trained: asked of a child, for this process holds no torch.

The child stays for a while, because importing torch takes seconds; it may be ended at any time,
and it dies with the core.
"""

import os
import subprocess
import tempfile
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from select import select
from typing import IO

import msgspec

from sparse_core.errors import Cancelled, RunError
from sparse_core.messages import Failed
from sparse_core.messages.training import (
    Complaint,
    Draft,
    DraftWanted,
    Form,
    FormWanted,
    RecipeFound,
    RecipeWanted,
)
from sparse_core.runs.beginnings import beginning_of
from sparse_core.runs.launch import environment, module_command
from sparse_core.runs.places import absolute
from sparse_core.runs.recipes import command_line, settled, train_words
from sparse_core.service.lanes import Job

IDLE_S = 120.0
"""A child that was not asked for so long is ended: torch takes hundreds of megabytes."""
LOOK_S = 0.1
GRACE_S = 5.0
"""A question that is no longer wanted may take so long: a new child takes seconds, too."""
KEPT_FORMS = 8
READ_BYTES = 1 << 20

Question = FormWanted | DraftWanted
FormKey = tuple[FormWanted, tuple[tuple[str, int], ...]]


class _Child:
    """A process that holds torch and answers, line by line."""

    def __init__(self, python: str) -> None:
        self.python = python
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        try:
            self._process = subprocess.Popen(
                module_command(python, ("draft",)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                cwd=Path.home(),
                env=environment(python),
            )
        except OSError as error:
            self._said.close()
            raise RunError(
                f"{python} cannot be started: {error.strerror}. Choose another Python interpreter."
            ) from error
        self._rest = b""

    def ask(self, question: Question, job: Job) -> Form | Draft | Failed:
        """Ask and wait for the answer.

        Raises
        ------
        RunError
            If the child died of it.
        Cancelled
            If it is no longer wanted, and took too long.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RunError("The process that looks at recipes has no pipe.")
        try:
            stdin.write(msgspec.json.encode(question) + b"\n")
            stdin.flush()
        except OSError as error:
            raise self._death() from error
        unwanted = 0.0
        while b"\n" not in self._rest:
            if select([stdout], [], [], LOOK_S)[0]:
                data = os.read(stdout.fileno(), READ_BYTES)
                if not data:
                    raise self._death()
                self._rest += data
            if job.cancelled():
                unwanted = unwanted or time.monotonic()
                if time.monotonic() - unwanted > GRACE_S:
                    raise Cancelled("no longer wanted")
        line, _, self._rest = self._rest.partition(b"\n")
        return msgspec.json.decode(line, type=Form | Draft | Failed)

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            # A question that a dead child never took is still in the buffer.
            with suppress(OSError):
                if stream is not None:
                    stream.close()

    def _death(self) -> RunError:
        """Say of what it died: the last line it wrote."""
        try:
            code = self._process.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        how = f"signal {-code}" if code < 0 else f"status {code}"
        last = f": {lines[-1].strip()}" if lines else ""
        return RunError(f"The process that looked at the recipe ended with {how}{last}.")


class Drafts:
    """Answers what may be trained."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._asked = 0.0
        self._busy = False
        self._forms: OrderedDict[FormKey, Form] = OrderedDict()

    def form(self, job: Job, wanted: FormWanted) -> Form:
        """Describe what can be chosen; from memory while no file of the user's changed."""
        key = (wanted, _stamps((*wanted.named, *wanted.trusted)))
        if key in self._forms:
            self._forms.move_to_end(key)
            return self._forms[key]
        settled_ = msgspec.structs.replace(
            wanted, named=_absolute(wanted.named), trusted=_absolute(wanted.trusted)
        )
        found = self._ask(settled_, job)
        if not isinstance(found, Form):
            raise RunError(found.sentence if isinstance(found, Failed) else "There is no form.")
        self._forms[key] = found
        while len(self._forms) > KEPT_FORMS:
            self._forms.popitem(last=False)
        return found

    def draft(self, job: Job, wanted: DraftWanted) -> Draft:
        """Look at a recipe; what goes wrong with that is a complaint, too."""
        try:
            found = self._ask(wanted, job)
        except RunError as error:
            found = Failed(str(error), "RunError")
        if isinstance(found, Draft):
            return found
        sentence = found.sentence if isinstance(found, Failed) else "It cannot be looked at."
        recipe = settled(wanted.recipe)
        return Draft(
            wanted.view,
            recipe,
            (Complaint("", sentence),),
            command=command_line(train_words(recipe)),
        )

    def recipe(self, job: Job, wanted: RecipeWanted) -> RecipeFound:
        """Say how to train on from a checkpoint or run."""
        del job
        return beginning_of(absolute(wanted.source), wanted.source)

    def rest(self) -> None:
        """End the child if nobody asked it for a while."""
        idle = not self._busy and time.monotonic() - self._asked > IDLE_S
        if idle and (child := self._child) is not None:
            self._child = None
            child.end()

    def close(self) -> None:
        """End the child."""
        if (child := self._child) is not None:
            self._child = None
            child.end()

    def _ask(self, question: Question, job: Job) -> Form | Draft | Failed:
        """Ask the child; one that failed is not asked again."""
        self._busy = True
        try:
            if self._child is not None and self._child.python != question.python:
                self.close()
            child = self._child = self._child or _Child(question.python)
            whole = False
            try:
                answer = child.ask(question, job)
                whole = True
            finally:
                if not whole:
                    self.close()
            job.tick()
            return answer
        finally:
            self._asked = time.monotonic()
            self._busy = False


def _absolute(names: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for name in names:
        path, mark, attribute = name.rpartition(":")
        found.append(f"{absolute(path)}{mark}{attribute}" if mark else name)
    return tuple(found)


def _stamps(names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Give when the files behind ``FILE.py:NAME`` were changed."""
    found = []
    for name in names:
        path = absolute(name.rpartition(":")[0])
        found.append((name, path.stat().st_mtime_ns if path.is_file() else 0))
    return tuple(found)
