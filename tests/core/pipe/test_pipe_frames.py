"""Frames survive any cutting, and whatever lies between them."""

from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.messages import FRAME_BYTES, FrameReader, encode_frames
from sparse_core.messages.frames import BULK, FIRST, HEADER_BYTES, LAST, LAYOUT, MAGIC

PAYLOADS = st.lists(st.binary(max_size=300), max_size=8)
# Everything a library or an ssh banner may print, and the worst: pieces of the magic itself.
GARBAGE = st.one_of(
    st.text(max_size=80).map(str.encode),
    st.sampled_from([b"", MAGIC, MAGIC[:3], MAGIC * 3, MAGIC + bytes(12), b"\xff" * 9]),
)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def read_all(pieces: list[bytes], reader: FrameReader | None = None) -> list[bytes]:
    reader = reader or FrameReader()
    return [payload for piece in pieces for payload in reader.feed(piece)]


@settings(max_examples=50)
@given(
    payloads=PAYLOADS,
    garbage=st.lists(GARBAGE, min_size=9, max_size=9),
    sizes=st.lists(st.integers(0, 60), max_size=80),
)
def test_payloads_come_out_as_they_went_in(payloads, garbage, sizes):
    data = b"".join(
        between + b"".join(encode_frames(payload))
        for between, payload in zip(garbage, payloads, strict=False)
    )
    reader = FrameReader()
    assert read_all(cut(data + garbage[-1], sizes), reader) == payloads
    kept = len(reader._buffer)
    assert reader.skipped + kept == sum(map(len, garbage[: len(payloads)])) + len(garbage[-1])
    assert kept < HEADER_BYTES


def test_a_large_payload_travels_in_pieces_of_at_most_a_mebibyte():
    payload = bytes(range(256)) * (3 * 4096 + 1)
    frames = encode_frames(payload, bulk=True)
    assert len(frames) == 4
    assert max(map(len, frames)) == FRAME_BYTES + HEADER_BYTES
    reader = FrameReader()
    assert read_all(frames, reader) == [payload]
    assert reader.bulk_frames == 4


def test_interactive_frames_pass_between_the_pieces_of_a_bulk_payload():
    bulk = b"b" * (2 * FRAME_BYTES)
    first, second = encode_frames(bulk, bulk=True)
    assert read_all([first, *encode_frames(b"now"), second]) == [b"now", bulk]


def test_a_payload_that_lost_its_beginning_is_dropped_whole():
    first, second = encode_frames(b"b" * (2 * FRAME_BYTES), bulk=True)
    assert read_all([second, *encode_frames(b"next", bulk=True)]) == [b"next"]
    assert read_all([first, first, second]) == [b"b" * (2 * FRAME_BYTES)]


def test_what_would_grow_without_end_is_dropped():
    frames = encode_frames(b"x" * (3 * FRAME_BYTES))
    reader = FrameReader(limit=2 * FRAME_BYTES)
    assert read_all([*frames, *encode_frames(b"after")], reader) == [b"after"]
    with pytest.raises(ValueError, match="does not fit"):
        encode_frames(bytes((64 << 20) + 1))


@pytest.mark.parametrize(
    ("layout", "length"), [(LAYOUT + 1, 3), (LAYOUT, FRAME_BYTES + 1), (LAYOUT, 2**32 - 1)]
)
def test_headers_of_another_layout_or_length_are_garbage(layout, length):
    head = MAGIC + bytes([layout, FIRST | LAST, 0, 0]) + length.to_bytes(4, "little")
    bad = head + crc32(head).to_bytes(4, "little")
    assert read_all([bad + b"abc", *encode_frames(b"good")]) == [b"good"]
    assert BULK & (FIRST | LAST) == 0
