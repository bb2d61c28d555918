"""A whole core process: what it answers, and what it survives."""

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import hostile_files
import msgspec
import numpy as np
import pytest
from core_client import CoreClient
from gated_core import gated_core
from safetensors.numpy import load_file, save_file

from sparse_core.messages import (
    PLANES,
    PROTOCOL,
    Cancel,
    Cell,
    CellWanted,
    CloseCheckpoint,
    Done,
    Failed,
    FileChanged,
    FileId,
    Hello,
    Layer,
    LayerColumns,
    LayerWanted,
    LookFirst,
    OpenCheckpoint,
    Opened,
    Picture,
    PictureWanted,
    ScanCheckpoint,
    Scanned,
    ScanOptions,
    Stopped,
    TensorColumns,
    Tile,
    TileKey,
    TilesWanted,
    Values,
    ValuesWanted,
    Verdict,
    WatchFiles,
    encode_frames,
)

FRESH = ScanOptions(cache=False)
NAME = "fc.weight"


def sparse(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    weight = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    weight.reshape(-1, 4)[:, 2:] = 0
    return weight


@pytest.fixture
def core() -> Iterator[CoreClient]:
    with CoreClient() as core:
        yield core


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """One 2:4 layer with one broken group, and a bias."""
    weight = sparse((64, 128))
    weight[7, 40:44] = (1, -2, 3, 4)
    path = tmp_path / "netz ü.safetensors"
    save_file({NAME: weight, "fc.bias": weight[:, 0].copy()}, path)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Forty layers of 4 MB."""
    layer = sparse((1024, 1024))
    path = tmp_path / "large.safetensors"
    save_file({f"layers.{at}.weight": layer for at in range(40)}, path)
    return path


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def gated(gate: Path) -> Iterator[CoreClient]:
    with CoreClient(gated_core(gate)) as core:
        yield core


def test_every_question_has_its_answer(core, network):
    file = FileId(str(network))
    opened, columns, done = core.ask(OpenCheckpoint(file))
    assert isinstance(opened, Opened)
    assert isinstance(done, Done)
    assert isinstance(columns, TensorColumns)
    assert columns.names == ("fc.bias", NAME)
    file = opened.file
    scanned = core.ask(ScanCheckpoint(file, FRESH))
    assert isinstance(scanned[-1], Scanned)
    verdict = [body for body in scanned if isinstance(body, Verdict)][-1]
    assert verdict.broken == 1
    rows = [body for body in scanned if isinstance(body, LayerColumns)]
    last = rows[-1]
    bad_groups = np.frombuffer(last.bad_groups, "<i8").tolist()
    assert dict(zip(np.frombuffer(last.rows, "<i4").tolist(), bad_groups, strict=True))[1] == 1
    (layer,) = core.ask(LayerWanted(file, FRESH, NAME))
    assert isinstance(layer, Layer)
    assert layer.report.bad_groups == 1
    picture = core.ask(PictureWanted(3, file, FRESH, NAME))[-1]
    assert isinstance(picture, Picture)
    assert (picture.view, picture.rows, picture.columns) == (3, 64, 128)
    assert picture.scale == np.abs(load_file(network)[NAME]).max()
    assert (picture.pattern, picture.group_rows, picture.group_columns) == ("2:4", 1, 4)
    (cell,) = core.ask(CellWanted(3, file, FRESH, NAME, 7, 41))
    assert isinstance(cell, Cell)
    assert (cell.value, cell.group, cell.group_first) == (-2.0, (1, -2, 3, 4), (7, 40))
    assert "2 too many" in cell.text
    (values,) = core.ask(ValuesWanted(3, file, FRESH, NAME, 16))
    assert isinstance(values, Values)
    assert np.frombuffer(values.counts, "<i8").sum() + values.zeros == 64 * 128
    for plane in PLANES:
        key = TileKey(1, 2, 0, 0)
        tile, done = core.ask(TilesWanted(3, file, FRESH, NAME, plane, (key,)))
        assert isinstance(tile, Tile)
        assert (tile.plane, tile.key, tile.height, tile.width) == (plane, key, 32, 32)
    assert core.ask(Hello(PROTOCOL, "x")) == [Done()]
    assert isinstance(core.ask(Hello(PROTOCOL + 1, "x"))[0], Failed)
    assert core.ask(CloseCheckpoint(file)) == [Done()]
    status, log = core.end()
    assert (status, log) == (0, "")


def test_questions_that_make_no_sense_get_sentences(core, network):
    file = FileId(str(network))
    nonsense = [
        LayerWanted(file, FRESH, "nothing.weight"),
        PictureWanted(1, file, FRESH, "nothing.weight"),
        CellWanted(1, file, FRESH, NAME, 64, 0),
        CellWanted(1, file, FRESH, NAME, -1, 0),
        ValuesWanted(1, file, FRESH, NAME, 0),
        TilesWanted(1, file, FRESH, NAME, "mask", (TileKey(0, 0, 5, 0),)),
        TilesWanted(1, file, FRESH, NAME, "mask", (TileKey(2**40, 0, 0, 0),)),
        OpenCheckpoint(FileId("/nowhere/at/all.pt")),
        OpenCheckpoint(FileId(str(network), "no such model")),
        ScanCheckpoint(file, ScanOptions(pattern="9:4", cache=False)),
        LayerWanted(FileId(str(network), "", "another stamp"), FRESH, NAME),
    ]
    for body in nonsense:
        answer = core.ask(body)[-1]
        assert isinstance(answer, Failed), body
        assert answer.kind != "bug", answer.trace
        assert answer.sentence
    status, log = core.end()
    assert (status, log) == (0, "")


def test_end_of_stdin_ends_the_core_at_once(gated, large):
    """Also in the middle of work that would never end."""
    call = gated.send(ScanCheckpoint(FileId(str(large)), FRESH))
    next(gated.answers_to(call))
    assert gated.end()[0] == 0


def test_no_module_of_the_current_folder_is_imported(tmp_path, network):
    for name in ("msgspec", "numpy", "torch", "sparse_core", "logging", "platform", "socket"):
        trap = f"open({str(tmp_path / 'sprung')!r}, 'w')\nraise SystemExit(1)\n"
        (tmp_path / f"{name}.py").write_text(trap)
    with CoreClient(folder=tmp_path) as core:
        assert isinstance(core.ask(OpenCheckpoint(FileId(str(network))))[0], Opened)
    assert not (tmp_path / "sprung").exists()


def test_what_libraries_print_meets_no_frame(network):
    noisy = textwrap.dedent(
        """
        import os, subprocess, sys
        print("Welcome to Ubuntu 22.04.5 LTS\\n\\xff\\xff Scs", flush=True)
        from sparse_core.service.desk import Service
        quiet = Service.handle
        def handle(self, call):
            print("a library says hello", flush=True)
            os.write(1, b"and its C part too\\n")
            subprocess.run(["echo", "and a child"], check=True)
            assert sys.stdin.read() == ""
            quiet(self, call)
        Service.handle = handle
        from sparse_core.__main__ import main
        sys.exit(main(["serve"]))
        """
    )
    core = CoreClient([sys.executable, "-P", "-c", noisy])
    skipped = core.reader.skipped
    assert skipped > 0
    assert isinstance(core.ask(OpenCheckpoint(FileId(str(network))))[0], Opened)
    assert core.reader.skipped == skipped
    status, log = core.end()
    assert status == 0
    for line in ("a library says hello", "and its C part too", "and a child"):
        assert line in log


def test_garbage_on_stdin_is_skipped_and_unknown_requests_are_refused(core, network):
    core.write(b"ls -la\n\x00\xff\xffSsc" + os.urandom(5000))
    core.write(b"".join(encode_frames(b"\xc1 no MessagePack")))
    core.write(b"".join(encode_frames(msgspec.msgpack.encode({"id": 77, "body": {"type": "X"}}))))
    answer = core.anything()
    assert (answer.id, answer.last, answer.body.kind) == (77, True, "Protocol")
    assert isinstance(core.ask(OpenCheckpoint(FileId(str(network))))[0], Opened)


def memory_of(pid: int) -> int:
    """Anonymous memory of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise AssertionError("Linux says how much memory a process has")


@pytest.mark.slow
def test_a_window_that_reads_but_never_digests_bounds_the_memory_of_the_core(tmp_path):
    """400 tiles of 256 KiB are wanted, none is credited: at most 64 frames come, questions do."""
    path = tmp_path / "wide.safetensors"
    rng = np.random.default_rng(0)
    save_file({NAME: rng.integers(0, 2, (10_240, 10_240)).astype(np.uint8)}, path)
    file = FileId(str(path))
    keys = tuple(TileKey(0, 0, row, column) for row in range(20) for column in range(20))
    with CoreClient(pays=False) as core:
        core.ask(CellWanted(1, file, FRESH, NAME, 0, 0))
        before = memory_of(core.welcome.pid)
        tiles = core.send(TilesWanted(1, file, FRESH, NAME, "density", keys))
        for _ in range(64):
            assert core.anything().id == tiles
        for at in range(20):
            assert isinstance(core.ask(CellWanted(1, file, FRESH, NAME, at, 0))[0], Cell)
        assert core.reader.bulk_frames == 64
        assert memory_of(core.welcome.pid) - before < 24 << 20
        newer = core.send(TilesWanted(1, file, FRESH, NAME, "density", keys[:1]))
        core._pays = True
        core._paid = 0
        core.send(Cancel(0))
        answers = {}
        while newer not in answers:
            answer = core.anything()
            if answer.last:
                answers[answer.id] = answer.body
        assert answers[tiles] == Stopped()
        assert answers[newer] == Done()
        assert core.reader.bulk_frames < 100


def test_what_is_looked_at_comes_first(gated, gate, large):
    file = FileId(str(large))
    call = gated.send(ScanCheckpoint(file, FRESH, first=(33, 32)))
    answers = gated.answers_to(call)
    seen = [next(answers)]
    assert gated.ask(LookFirst(call, (39, 10**6, -1))) == [Done()]
    gate.touch()
    rows: list[int] = []
    for body in (*seen, *answers):
        if isinstance(body, LayerColumns):
            rows.extend(np.frombuffer(body.rows, "<i4").tolist())
    assert sorted(rows) == list(range(40))
    assert {33, 32} <= set(rows[:4])
    assert rows.index(39) < rows.index(20)


def test_a_scan_can_be_cancelled(gated, gate, large):
    call = gated.send(ScanCheckpoint(FileId(str(large)), FRESH))
    answers = gated.answers_to(call)
    next(answers)
    assert gated.ask(Cancel(call)) == [Done()]
    gate.touch()
    assert list(answers)[-1] == Stopped()


@pytest.mark.slow
def test_a_file_that_changed_is_noticed(core, network):
    (opened, *_) = core.ask(OpenCheckpoint(FileId(str(network))))
    file = opened.file
    assert isinstance(core.ask(CellWanted(1, file, FRESH, NAME, 0, 0))[0], Cell)
    assert core.ask(WatchFiles((file,))) == [Done()]
    save_file({NAME: sparse((32, 32), 1)}, network)
    for body in (
        CellWanted(1, file, FRESH, NAME, 0, 0),
        TilesWanted(1, file, FRESH, NAME, "value", (TileKey(0, 0, 0, 0),)),
        LayerWanted(file, FRESH, NAME),
        ScanCheckpoint(file, FRESH),
    ):
        answer = core.ask(body)[-1]
        assert isinstance(answer, Failed)
        assert answer.kind == "ChangedError"
    assert core.news() == FileChanged(file, gone=False)
    again = core.ask(OpenCheckpoint(FileId(str(network))))[0]
    assert again.summary.tensors == 1
    network.unlink()
    assert core.news() == FileChanged(file, gone=True)


@pytest.mark.parametrize("harm", ["truncate", "delete", "overwrite"])
def test_harm_done_to_a_file_in_the_middle_of_a_scan(gated, gate, large, harm):
    call = gated.send(ScanCheckpoint(FileId(str(large)), FRESH))
    answers = gated.answers_to(call)
    next(answers)
    if harm == "truncate":
        os.truncate(large, 1 << 20)
    elif harm == "delete":
        large.unlink()
    else:
        with large.open("r+b") as file:
            file.write(bytes(1 << 20))
    gate.touch()
    last = list(answers)[-1]
    assert isinstance(last, Failed)
    assert last.kind == "ChangedError"
    assert str(large) in last.sentence


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.slow
def test_hostile_files_get_a_sentence_and_are_never_run(tmp_path, tmp_path_factory):
    """One core meets them all, and still serves."""
    files = hostile_files.build_all(tmp_path_factory.mktemp("hostile"))
    with CoreClient(folder=tmp_path) as core:
        for name, path in files.items():
            file = FileId(str(path))
            for body in (OpenCheckpoint(file), LayerWanted(file, FRESH, "weight")):
                answer = core.ask(body)[-1]
                assert isinstance(answer, Failed), name
                assert answer.kind == "CheckpointError", (name, answer)
                assert str(path) in answer.sentence
                assert not answer.trace
        assert core.end() == (0, "")
    assert list(tmp_path.iterdir()) == []
