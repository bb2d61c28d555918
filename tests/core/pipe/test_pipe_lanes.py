"""Lanes: the newest question of a view counts, and nothing ends the thread."""

from collections.abc import Iterator
from threading import Event

import msgspec
import pytest

from sparse_core.errors import CheckpointError
from sparse_core.messages import Answer, Done, Failed, FrameReader, Reply, Stopped
from sparse_core.service.lanes import Job, Lane
from sparse_core.service.outbox import Outbox

WAIT_S = 20


class Ears:
    """Takes what an outbox writes."""

    def __init__(self) -> None:
        self.reader = FrameReader()
        self.answers: list[Answer] = []

    def hear(self, frame: bytes) -> None:
        for payload in self.reader.feed(frame):
            self.answers.append(msgspec.msgpack.decode(payload, type=Answer))


class Bench:
    """A lane that works only when told."""

    def __init__(self) -> None:
        self.outbox = Outbox(lambda frame: None)
        self.lane = Lane("bench")
        self.began, self.go = Event(), Event()

    def block(self, job: Job) -> Reply:
        self.began.set()
        assert self.go.wait(WAIT_S)
        job.tick()
        return Done()

    def put(self, call: int, work=None, key=None) -> None:
        self.lane.put(Job(call, work or (lambda job: Done()), self.outbox, key=key))

    def outcomes(self) -> dict[int, Reply]:
        """End everything and say how each call ended."""
        finished = Event()
        self.put(10_000, lambda job: (finished.set(), Done())[1])
        self.go.set()
        assert finished.wait(WAIT_S)
        self.lane.close()
        ears = Ears()
        self.outbox._write = ears.hear
        self.outbox.close()
        self.outbox.run()
        assert all(answer.last for answer in ears.answers)
        return {answer.id: answer.body for answer in ears.answers}


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.lane.start()
    yield bench
    bench.go.set()
    bench.lane.close()


def test_of_the_questions_of_a_view_only_the_newest_is_answered(bench):
    bench.put(1, bench.block, key="view")
    assert bench.began.wait(WAIT_S)
    for call in (2, 3, 4):
        bench.put(call, key="view")
    bench.put(5, key="other view")
    ended = bench.outcomes()
    assert [type(ended[call]) for call in range(1, 6)] == [Stopped, Stopped, Stopped, Done, Done]


def test_cancel_reaches_waiting_and_running_calls(bench):
    bench.put(1, bench.block)
    assert bench.began.wait(WAIT_S)
    bench.put(2)
    bench.put(3)
    bench.lane.cancel(2)
    bench.lane.cancel(1)
    bench.lane.cancel(77)
    ended = bench.outcomes()
    assert [type(ended[call]) for call in (1, 2, 3)] == [Stopped, Stopped, Done]


def test_errors_become_answers_and_the_thread_lives_on(bench, caplog):
    def refuse(job: Job) -> Reply:
        raise CheckpointError("x.pt is no checkpoint: choose another file.")

    def err(job: Job) -> Reply:
        raise ZeroDivisionError("a bug")

    def starve(job: Job) -> Reply:
        raise MemoryError

    def miss(job: Job) -> Reply:
        raise FileNotFoundError(2, "No such file or directory", "/a/b")

    for call, work in enumerate((refuse, err, starve, miss), start=1):
        bench.put(call, work)
    ended = bench.outcomes()
    assert ended[1] == Failed("x.pt is no checkpoint: choose another file.", "CheckpointError")
    assert ended[2].kind == "bug"
    assert "ZeroDivisionError: a bug" in ended[2].trace
    assert "call 2 failed" in caplog.text
    assert "memory" in ended[3].sentence
    assert not ended[3].trace
    assert ended[4].sentence == "/a/b: No such file or directory."
