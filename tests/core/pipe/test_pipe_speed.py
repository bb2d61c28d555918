"""Speed tests through a core process: rows as they come, scans that rest, tests that are kept."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from core_client import ROOT, CoreClient
from safetensors.numpy import save_file

from sparse_core.messages import (
    Cancel,
    Done,
    Failed,
    FileId,
    ScanCheckpoint,
    Scanned,
    Stopped,
)
from sparse_core.messages.speed import (
    Machine,
    SpeedHistory,
    SpeedHistoryWanted,
    SpeedResultWanted,
    SpeedRow,
    SpeedRows,
    SpeedSaved,
    SpeedWanted,
)
from sparse_core.speed import history

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def core() -> Iterator[CoreClient]:
    with CoreClient() as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    weight = np.random.default_rng(1).standard_normal((64, 128)).astype(np.float32)
    weight.reshape(-1, 4)[:, 2:] = 0
    save_file({"a.fc.weight": weight, "b.fc.weight": weight}, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rows_of(replies: list) -> list:
    return [row for reply in replies if isinstance(reply, SpeedRows) for row in reply.rows]


def test_rows_come_and_are_kept(core: CoreClient, file: Path) -> None:
    *news, saved = core.ask(SpeedWanted(str(file), batches=(2,), seconds=0.0))
    rows = rows_of(news)
    assert isinstance(saved, SpeedSaved)
    assert history.read(Path(saved.path)) == tuple(rows)
    timed = [row for row in rows if isinstance(row, SpeedRow)]
    assert {row.layer for row in timed} == {"a.fc.weight"}
    assert all(row.layers == 2 and row.pattern == "2:4" for row in timed)
    assert {row.backend for row in timed} >= {"dense", "nm_native", "csr"}
    assert isinstance(rows[-1], Machine)
    (kept,) = core.ask(SpeedHistoryWanted(str(file)))
    assert isinstance(kept, SpeedHistory)
    assert kept.paths == (saved.path,)
    assert "1 shape · batch 2" in kept.titles[0]
    again, done = core.ask(SpeedResultWanted(saved.path))
    assert isinstance(again, SpeedRows)
    assert list(again.rows) == rows
    assert done == Done()


def test_what_the_command_line_wrote_is_a_result(core: CoreClient, tmp_path: Path) -> None:
    words = ["speed", "--shape", "32x64", "--batch", "2", "--seconds", "0", "--json"]
    said = subprocess.run(
        [sys.executable, "-P", "-m", "sparse_core", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True,
    )  # fmt: skip
    other = tmp_path / "there.jsonl"
    other.write_bytes(said.stdout)
    (found, _) = core.ask(SpeedResultWanted(str(other)))
    assert isinstance(found, SpeedRows)
    assert len(found.rows) == len(said.stdout.splitlines())
    other.write_text(json.dumps({"type": "scan"}) + "\n")
    (failed,) = core.ask(SpeedResultWanted(str(other)))
    assert isinstance(failed, Failed)
    assert "no result of a speed test: line 1" in failed.sentence


def test_scans_rest_while_something_is_timed(core: CoreClient, file: Path, tmp_path: Path) -> None:
    network = {f"{at}.fc.weight": np.ones((8, 8), np.float32) for at in range(4)}
    save_file(network, tmp_path / "other.safetensors")
    timing = core.send(SpeedWanted(str(file), batches=(2,), seconds=1.5))
    scan, ended, timed = -1, 0, False
    while ended < 2:
        answer = core.anything()
        if answer.id == timing:
            rows = answer.body.rows if isinstance(answer.body, SpeedRows) else ()
            timed |= any(isinstance(row, Machine) for row in rows)
            if scan < 0:
                scan = core.send(ScanCheckpoint(FileId(str(tmp_path / "other.safetensors"))))
        elif answer.id == scan:
            assert timed, "a layer was scanned while another was timed"
        ended += answer.last
    assert isinstance(answer.body, SpeedSaved | Scanned)


def test_a_stopped_test_keeps_its_rows_and_leaves_no_process(core: CoreClient, file: Path) -> None:
    call = core.send(SpeedWanted(str(file), batches=(1, 2, 4, 8), seconds=3.0))
    rows: list = []
    ends = {}
    while len(ends) < 2:
        answer = core.anything()
        if answer.id == call and isinstance(answer.body, SpeedRows):
            rows += answer.body.rows
            if len(rows) == 8:
                core.send(Cancel(call))
        if answer.last:
            ends[answer.id] = answer.body
    assert ends[call] == Stopped()
    assert not any(isinstance(row, Machine) for row in rows)
    kept = history.tests_of(str(file))
    assert len(kept) == 1
    assert set(rows) <= set(history.read(kept[0]))
    until = time.monotonic() + 10
    while _children(core.process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert _children(core.process.pid) == []


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (SpeedWanted(), "Nothing to time"),
        (SpeedWanted(shapes=("12",)), "no shape"),
        (SpeedWanted(shapes=("8x8",), batches=(0,)), "no batch sizes"),
        (SpeedWanted("/nowhere/model.safetensors"), "/nowhere/model.safetensors"),
        (SpeedWanted(shapes=("8x8",), python="/no/python"), "cannot be started"),
    ],
)
def test_what_cannot_be_timed_is_a_sentence(
    core: CoreClient, wanted: SpeedWanted, part: str
) -> None:
    last = core.ask(wanted)[-1]
    assert isinstance(last, Failed)
    assert part in last.sentence
    assert "\n" not in last.sentence
    assert history.tests_of("") == []


def test_old_tests_go_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 3)
    row = SpeedRow(
        "a", (1, 1), None, 1, "float32", "cpu", 1, "dense", 1, 1, 1, 1, 3, 1, 1, 1, 0.0, 4
    )  # fmt: skip
    paths = []
    for _ in range(5):
        paths.append(history.keep(str(file), [row]))
        time.sleep(0.01)
    assert history.tests_of(str(file)) == paths[:1:-1]


def _children(pid: int) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid:
                found.append(folder.name)
    return found
