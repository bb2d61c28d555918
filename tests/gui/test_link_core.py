"""The link drives a real core process: start, death, restart, end."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from inspector.link.core import CoreLink
from sparse_core.messages import (
    Answer,
    Done,
    Failed,
    FileId,
    OpenCheckpoint,
    Opened,
    Request,
    ScanCheckpoint,
    Scanned,
    ScanOptions,
)

SERVE = "import sys; from sparse_core.__main__ import main; sys.exit(main(['serve']))"
UNCACHED = ScanOptions(cache=False)
PATIENCE_MS = 20_000


class Answers:
    """Collects the answers of calls."""

    def __init__(self) -> None:
        self.all: list[Answer] = []

    def take(self, answer: Answer) -> None:
        self.all.append(answer)

    def last(self, call: int) -> object:
        return next((one.body for one in self.all if one.id == call and one.last), None)


def ended(answers: Answers, call: int) -> Callable[[], bool]:
    return lambda: answers.last(call) is not None


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small sparse network."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((64, 128)).astype(np.float32)
    weight.reshape(-1, 4)[:, 2:] = 0
    path = tmp_path / "wörter und zahlen.safetensors"
    save_file({"fc.weight": weight, "fc.bias": weight[:, 0].copy()}, path)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A checkpoint whose scan takes a while: 64 layers of 4 MB."""
    layer = np.random.default_rng(1).standard_normal((1024, 1024)).astype(np.float32)
    path = tmp_path / "large.safetensors"
    save_file({f"layers.{at}.weight": layer for at in range(64)}, path)
    return path


@pytest.fixture
def link(qtbot: QtBot) -> Iterator[CoreLink]:
    link = CoreLink()
    yield link
    link.stop()


def ask(link: CoreLink, answers: Answers, body: Request) -> int:
    return link.ask(body, answers.take)


def test_questions_wait_for_a_core_that_is_not_up(
    link: CoreLink, checkpoint: Path, qtbot: QtBot
) -> None:
    answers, states = Answers(), []
    link.state_changed.connect(states.append)
    call = ask(link, answers, OpenCheckpoint(FileId(str(checkpoint))))
    assert not link.ready
    link.start()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.all[0].body, Opened)
    assert isinstance(answers.last(call), Done)
    assert states == ["starting", "ready"]
    assert link.native in ("AVX2", "portable", "numpy")


def test_a_killed_core_is_started_again_and_asked_again(
    link: CoreLink, large: Path, qtbot: QtBot
) -> None:
    answers, again = Answers(), []
    link.restarted.connect(lambda: again.append(link.pid))
    link.start()
    qtbot.waitUntil(lambda: link.ready, timeout=PATIENCE_MS)
    call = ask(link, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    qtbot.waitUntil(lambda: bool(answers.all), timeout=PATIENCE_MS)
    first = link.pid
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.last(call), Scanned)
    assert again == [link.pid] != [first]


def test_a_question_that_saw_two_deaths_is_not_asked_a_third_time(
    link: CoreLink, large: Path, checkpoint: Path, qtbot: QtBot
) -> None:
    answers, marked = Answers(), []
    link.file_marked.connect(lambda path, sentence: marked.append((path, sentence)))
    link.start()
    call = ask(link, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    innocent = ask(link, answers, ScanCheckpoint(FileId(str(checkpoint)), UNCACHED))
    for _ in range(2):
        seen = len(answers.all)
        qtbot.waitUntil(lambda seen=seen: len(answers.all) > seen, timeout=PATIENCE_MS)
        os.kill(link.pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: not link.ready, timeout=PATIENCE_MS)
    qtbot.waitUntil(ended(answers, innocent), timeout=PATIENCE_MS)
    verdict = answers.last(call)
    assert isinstance(verdict, Failed)
    assert [path for path, _ in marked] == [str(large)]
    assert str(large) in verdict.sentence
    assert isinstance(answers.last(innocent), Scanned)


def test_a_core_that_cannot_start_fails_with_a_sentence(qtbot: QtBot) -> None:
    answers = Answers()
    link = CoreLink(["/nowhere/sparsescope", "serve"])
    states: list[str] = []
    link.state_changed.connect(states.append)
    call = ask(link, answers, OpenCheckpoint(FileId("/a.pt")))
    link.start()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.last(call), Failed)
    assert states[0] == "starting"
    assert states[-1] == "failed"
    link.stop()
