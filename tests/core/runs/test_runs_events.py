"""Events: one table, one write a line, readers that survive whatever writers do."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_core.errors import RunError
from sparse_core.runs.events import KINDS, Saved, Set, Step, from_line, to_line
from sparse_core.runs.reader import EventTail, read_events
from sparse_core.runs.writer import EventWriter, cut_events


def step(number: int) -> Step:
    return Step(step=number, time=1.0, elapsed_s=0.5, epoch=0.1, loss=2.0, lr=0.1)


def write(path: Path, *numbers: int) -> None:
    writer = EventWriter(path)
    for number in numbers:
        writer.write(step(number))
    writer.close()


def test_line_goes_and_comes_back() -> None:
    event = Set(step=3, time=1.0, elapsed_s=2.0, name="lambda", value=0.01, number=4)
    line = to_line(event)
    assert line.startswith(b'{"event":"set"')
    assert line.endswith(b"\n")
    assert from_line(line) == event


def test_loss_that_is_no_number_is_null() -> None:
    event = Step(step=1, time=0.0, elapsed_s=0.0, epoch=0.0, loss=float("nan"), lr=0.1)
    read = from_line(to_line(event))
    assert isinstance(read, Step)
    assert read.loss is None


def test_kind_of_a_newer_program_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event":"teleported","step":1}\nrubbish\n' + to_line(step(2)))
    assert [event.step for event in read_events(path)] == [2]


def test_every_kind_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "runs.md").read_text()
    for kind in KINDS:
        tag = kind.__struct_config__.tag
        assert f"`{tag}`" in page, tag
        for field in kind.__struct_fields__:
            assert f"`{field}`" in page, f"{tag}.{field}"


def test_half_line_is_not_read_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = to_line(step(1))
    tail = EventTail(path)
    assert tail.read() == []
    path.write_bytes(line[:10])
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(line[10:])
    assert [event.step for event in tail.read()] == [1]
    assert tail.read() == []


def test_new_writer_cuts_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(to_line(step(1)) + b'{"event":"st')
    write(path, 2)
    assert [event.step for event in read_events(path)] == [1, 2]


def test_new_writer_empties_a_file_of_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 200_000)
    write(path, 1)
    assert path.read_bytes() == to_line(step(1))


def test_tail_notices_a_cut_file_even_when_it_grew_again(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, 1, 2, 3)
    tail = EventTail(path)
    tail.read()
    cut = cut_events(path, 1)
    write(path, 2, 3, 4, 5)
    assert [event.step for event in cut] == [2, 3]
    assert [event.step for event in tail.read()] == [1, 2, 3, 4, 5]
    assert tail.restarted


def test_tail_of_a_folder_that_was_deleted_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, 1)
    tail = EventTail(path)
    tail.read()
    path.unlink()
    assert tail.read() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1, 600))
def test_tail_gives_every_event_once_however_it_reads(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], limit: int
) -> None:
    path = tmp_path_factory.mktemp("tail") / "events.jsonl"
    events = [
        Saved(step=index, time=0.0, elapsed_s=0.0, path="p" * length, bytes=1)
        for index, length in enumerate(lengths)
    ]
    path.write_bytes(b"".join(to_line(event) for event in events))
    tail = EventTail(path)
    seen = []
    while block := tail.read(limit):
        seen += block
    assert seen == events


def test_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write(step(1))
    whole = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: whole(handle, data[:7]))
    with pytest.raises(RunError, match="disk is full"):
        writer.write(step(2))
    monkeypatch.undo()
    writer.close()
    assert path.read_bytes() == to_line(step(1))
