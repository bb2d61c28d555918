"""The link drives a real core process: start, death, restart, end."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from gated_core import gated_core
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from inspector.link.core import CoreLink
from sparse_core.messages import (
    Answer,
    Done,
    Failed,
    FileChanged,
    FileId,
    OpenCheckpoint,
    Opened,
    Request,
    ScanCheckpoint,
    Scanned,
    ScanOptions,
    Stopped,
    Tile,
    TileKey,
    TilesWanted,
    WatchFiles,
)

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def gated(qtbot: QtBot, gate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CoreLink]:
    """A link to a core that stops in the middle of a scan until ``gate`` exists."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    link = CoreLink(gated_core(gate))
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
    gated: CoreLink, gate: Path, large: Path, qtbot: QtBot
) -> None:
    answers, again = Answers(), []
    gated.restarted.connect(lambda: again.append(gated.pid))
    gated.start()
    call = ask(gated, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    qtbot.waitUntil(lambda: bool(answers.all), timeout=PATIENCE_MS)
    first = gated.pid
    os.kill(first, signal.SIGKILL)
    gate.touch()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.last(call), Scanned)
    assert again == [gated.pid] != [first]


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGBUS])
def test_a_question_that_saw_two_deaths_is_not_asked_a_third_time(
    gated: CoreLink, gate: Path, large: Path, checkpoint: Path, qtbot: QtBot, death: signal.Signals
) -> None:
    answers, marked = Answers(), []
    gated.file_marked.connect(lambda path, sentence: marked.append((path, sentence)))
    gated.start()
    call = ask(gated, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    innocent = ask(gated, answers, ScanCheckpoint(FileId(str(checkpoint)), UNCACHED))
    for _ in range(2):
        seen = len(answers.all)
        qtbot.waitUntil(lambda seen=seen: len(answers.all) > seen, timeout=PATIENCE_MS)
        os.kill(gated.pid, death)
        qtbot.waitUntil(lambda: not gated.ready, timeout=PATIENCE_MS)
    gate.touch()
    qtbot.waitUntil(ended(answers, innocent), timeout=PATIENCE_MS)
    failed = answers.last(call)
    assert isinstance(failed, Failed)
    assert [path for path, _ in marked] == [str(large)]
    assert str(large) in failed.sentence
    assert isinstance(answers.last(innocent), Scanned)


@pytest.mark.slow
def test_what_cannot_be_a_core_fails_with_a_sentence(qtbot: QtBot) -> None:
    answers, states = Answers(), []
    link = CoreLink(["/nowhere/sparsescope", "serve"])
    link.state_changed.connect(states.append)
    call = ask(link, answers, OpenCheckpoint(FileId("/a.pt")))
    link.start()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.last(call), Failed)
    assert (states[0], states[-1]) == ("starting", "failed")
    link.stop()


def test_a_core_of_another_protocol_is_refused(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    other = f"import sparse_core.commands.serve as s; s.PROTOCOL = 999; {SERVE}"
    answers, states = Answers(), []
    link = CoreLink([sys.executable, "-c", other])
    link.state_changed.connect(states.append)
    call = ask(link, answers, OpenCheckpoint(FileId("/a.pt")))
    link.start()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert "install the same version" in answers.last(call).sentence
    assert states[-1] == "failed"
    link.stop()


def test_a_banner_and_a_grandchild(
    checkpoint: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As through ssh: text before the first frame; and what a core started ends with it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    banner = (
        "import subprocess; print('Welcome, last login: never', flush=True);"
        "child = subprocess.Popen(['sleep', '1000'], stdin=subprocess.DEVNULL);"
        f"import sys; print('child', child.pid, file=sys.stderr, flush=True); {SERVE}"
    )
    answers, log = Answers(), []
    link = CoreLink([sys.executable, "-c", banner])
    link.logged.connect(log.append)
    link.start()
    call = ask(link, answers, OpenCheckpoint(FileId(str(checkpoint))))
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert isinstance(answers.last(call), Done)
    qtbot.waitUntil(lambda: bool(log), timeout=PATIENCE_MS)
    child = int(log[0].split()[1])
    os.kill(child, 0)
    link.stop()
    qtbot.waitUntil(lambda: not alive(child), timeout=PATIENCE_MS)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_modules_planted_in_the_users_home_are_not_imported(
    tmp_path: Path, checkpoint: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("msgspec", "numpy", "torch", "sparse_core", "logging"):
        (home / f"{name}.py").write_text(f"open({str(home / 'sprung')!r}, 'w')")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.chdir(home)
    link, answers = CoreLink(), Answers()
    link.start()
    call = ask(link, answers, OpenCheckpoint(FileId(str(checkpoint))))
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    link.stop()
    assert isinstance(answers.last(call), Done)
    assert not (home / "sprung").exists()


@pytest.mark.slow
def test_watched_files_are_watched_after_a_restart(
    link: CoreLink, checkpoint: Path, qtbot: QtBot
) -> None:
    answers, news, opened = Answers(), [], []
    link.news.connect(news.append)
    link.start()
    call = ask(link, answers, OpenCheckpoint(FileId(str(checkpoint))))
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    file = answers.all[0].body.file
    watch = ask(link, answers, WatchFiles((file,)))
    qtbot.waitUntil(ended(answers, watch), timeout=PATIENCE_MS)
    link.restarted.connect(lambda: opened.append(1))
    os.kill(link.pid, signal.SIGBUS)
    qtbot.waitUntil(lambda: bool(opened), timeout=PATIENCE_MS)
    checkpoint.unlink()
    qtbot.waitUntil(lambda: bool(news), timeout=PATIENCE_MS)
    assert news == [FileChanged(file, gone=True)]


@pytest.mark.slow
def test_the_window_gets_its_turn_between_answers(
    link: CoreLink, tmp_path: Path, qtbot: QtBot
) -> None:
    """Latency probe: however much has arrived, a turn hands out 4 ms of it, then timers run."""
    path = tmp_path / "wide.safetensors"
    save_file({"w": np.random.default_rng(0).standard_normal((512, 60 * 512)).astype("f4")}, path)
    keys = tuple(TileKey(0, 0, 0, column) for column in range(60))
    answers, turns = Answers(), [0]

    def slow(answer: Answer) -> None:
        answers.take(answer)
        turns[-1] += 1
        until = perf_counter() + 0.001
        while perf_counter() < until:
            pass

    probe = QTimer()
    probe.timeout.connect(lambda: turns.append(0))
    link.start()
    qtbot.waitUntil(lambda: link.ready, timeout=PATIENCE_MS)
    probe.start(0)
    wanted = TilesWanted(1, FileId(str(path)), UNCACHED, "w", "value", keys)
    call = link.ask(wanted, slow)
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    probe.stop()
    assert sum(isinstance(answer.body, Tile) for answer in answers.all) == 60
    # Two of the link's turns may fall between two turns of the probe.
    assert max(turns) <= 10


def test_cancel_and_stop(gated: CoreLink, gate: Path, large: Path, qtbot: QtBot) -> None:
    answers = Answers()
    gated.start()
    call = ask(gated, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    gated.cancel(call)
    gate.touch()
    qtbot.waitUntil(ended(answers, call), timeout=PATIENCE_MS)
    assert answers.last(call) == Stopped()
    silent = ask(gated, answers, ScanCheckpoint(FileId(str(large)), UNCACHED))
    pid = gated.pid
    gated.stop()
    assert not alive(pid)
    assert gated.pid == 0
    assert answers.last(silent) is None
