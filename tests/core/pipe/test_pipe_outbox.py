"""The outbox: interactive first, bulk only on credit, memory bounded."""

from threading import Thread

import msgspec
import pytest

from sparse_core.errors import Cancelled
from sparse_core.messages import (
    CREDITS,
    FRAME_BYTES,
    Answer,
    Done,
    Failed,
    FrameReader,
    Progress,
    Tile,
    TileKey,
)
from sparse_core.service.outbox import BULK_ANSWERS, Outbox

TILE = Tile(1, "w", "mask", TileKey(0, 0, 0, 0), 1, 1, False, b"")


class Sink:
    """Collects what is written; stops the outbox when it has enough."""

    def __init__(self) -> None:
        self.outbox = Outbox(self.take)
        self.reader = FrameReader()
        self.ids: list[int] = []
        self.bodies: list[object] = []
        self.enough = 10**9
        self.frames = 0

    def take(self, frame: bytes) -> None:
        self.frames += 1
        for payload in self.reader.feed(frame):
            answer = msgspec.msgpack.decode(payload, type=Answer)
            self.ids.append(answer.id)
            self.bodies.append(answer.body)
        if self.frames >= self.enough:
            self.outbox.close()


def big(pieces: int) -> Tile:
    return msgspec.structs.replace(TILE, data=bytes(pieces * FRAME_BYTES - 1000))


def test_interactive_answers_pass_bulk_answers():
    sink = Sink()
    sink.outbox.send(Answer(1, TILE))
    sink.outbox.send(Answer(2, TILE))
    sink.outbox.say(Answer(3, Done()))
    sink.enough = 3
    sink.outbox.run()
    assert sink.ids == [3, 1, 2]


def test_interactive_answers_pass_between_the_pieces_of_one_bulk_answer():
    sink = Sink()
    sink.outbox.send(Answer(1, big(3)))
    take, sink.enough = sink.take, 4

    def take_and_ask(frame: bytes) -> None:
        if sink.frames == 0:
            sink.outbox.say(Answer(2, Done()))
        take(frame)

    sink.outbox._write = take_and_ask
    sink.outbox.run()
    assert sink.ids == [2, 1]


def test_without_credits_nothing_but_interactive_answers_is_written():
    sink = Sink()
    sender = Thread(target=lambda: [sink.outbox.send(Answer(n, TILE)) for n in range(1, 101)])
    writer = Thread(target=sink.outbox.run)
    sender.start()
    writer.start()
    with sink.outbox._changed:
        assert sink.outbox._changed.wait_for(
            lambda: sink.outbox._credits == 0 and len(sink.outbox._bulk) == BULK_ANSWERS, 20
        )
    assert sender.is_alive()
    sink.outbox.credit(10**6)
    sender.join(20)
    assert sink.outbox._credits <= CREDITS
    sink.enough = 100
    sink.outbox.close()
    writer.join(20)
    assert sink.ids[:CREDITS] == list(range(1, CREDITS + 1))


def test_a_call_that_is_cancelled_does_not_wait_for_room():
    outbox = Outbox(lambda frame: None)
    for _ in range(BULK_ANSWERS):
        outbox.send(Answer(1, TILE))
    with pytest.raises(Cancelled):
        outbox.send(Answer(1, TILE), lambda: True)


def test_what_a_stream_gathers_travels_together():
    class Gathering:
        def __init__(self) -> None:
            self.drained = 0

        def drain(self) -> list[Answer]:
            self.drained += 1
            return [Answer(9, Progress(self.drained, 2, "rows", None))]

    sink, stream = Sink(), Gathering()
    sink.outbox.attach(stream)
    sink.outbox.detach(stream)
    sink.outbox.send(Answer(9, Done(), last=True))
    sink.enough = 2
    sink.outbox.run()
    assert [type(body) for body in sink.bodies] == [Progress, Done]
    assert stream.drained == 1


def test_a_flood_of_bulk_answers_does_not_starve_a_stream():
    class Endless:
        def drain(self) -> list[Answer]:
            return [Answer(9, Progress(0, 1, "rows", None))]

    sink = Sink()
    for call in range(1, BULK_ANSWERS + 1):
        sink.outbox.send(Answer(call, TILE))
    sink.outbox.attach(Endless())
    sink.enough = 3
    sink.outbox.run()
    assert sink.ids[:2] == [9, 1]


def test_an_answer_that_cannot_travel_becomes_a_sentence(caplog):
    sink = Sink()
    sink.outbox.say(Answer(4, Failed("a name \udc80", "x"), last=True))
    sink.outbox.say(Answer(5, Done(), last=True))
    sink.enough = 2
    sink.outbox.run()
    assert sink.ids == [4, 5]
    assert "rename" in sink.bodies[0].sentence
    assert "answer 4 cannot be encoded" in caplog.text
