"""A report written through a core process: what it says, what it replaces, how it is stopped."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from core_client import CoreClient
from gated_core import gated_core
from safetensors.numpy import save_file

from sparse_core.messages import (
    Cancel,
    Done,
    Failed,
    FileId,
    Progress,
    ReportTo,
    ReportWritten,
    ScanOptions,
    Stopped,
)

OPTIONS = ScanOptions(cache=False)


@pytest.fixture
def file(tmp_path: Path) -> FileId:
    """Twenty layers that are 2:4 but for one group of the last."""
    random = np.random.default_rng(3)
    network = {}
    for at in range(20):
        weight = random.standard_normal((256, 512)).astype(np.float32)
        weight.reshape(-1, 4)[:, 2:] = 0
        network[f"layers.{at:02}.weight"] = weight
    network["layers.19.weight"][5, 8:12] = 1
    save_file(network, tmp_path / "model.safetensors")
    return FileId(str(tmp_path / "model.safetensors"))


def sentence(answer: object) -> str:
    assert isinstance(answer, Failed)
    return answer.sentence


def test_a_report_says_what_the_file_holds(file: FileId, tmp_path: Path) -> None:
    page, twin = tmp_path / "report.html", tmp_path / "report.json"
    with CoreClient() as core:
        *news, written = core.ask(ReportTo(file, OPTIONS, str(page), str(twin)))
    assert news
    assert all(isinstance(one, Progress) for one in news)
    assert written == ReportWritten(
        str(page), str(twin), page.stat().st_size, twin.stat().st_size, ()
    )
    values = json.loads(twin.read_bytes())
    assert values["files"][0]["sha256"] == (
        hashlib.sha256(Path(file.path).read_bytes()).hexdigest()
    )
    assert "layers.19.weight" in page.read_text()


def test_only_an_older_report_makes_room_and_only_where_that_was_said(
    file: FileId, tmp_path: Path
) -> None:
    page, other = tmp_path / "report.html", tmp_path / "letter.html"
    other.write_text("dear colleague")
    with CoreClient() as core:
        first = core.ask(ReportTo(file, OPTIONS, str(page)))[-1]
        assert isinstance(first, ReportWritten)
        assert (first.json, first.json_bytes) == ("", 0)
        before = page.read_bytes()
        assert "exists already" in sentence(core.ask(ReportTo(file, OPTIONS, str(page)))[-1])
        again = core.ask(ReportTo(file, OPTIONS, str(page), replace=True))[-1]
        assert again == first
        assert page.read_bytes() == before
        for out in (other, Path(file.path)):
            last = core.ask(ReportTo(file, OPTIONS, str(out), replace=True))[-1]
            assert str(out) in sentence(last)
        last = core.ask(ReportTo(file, OPTIONS, str(tmp_path / "a"), str(tmp_path / "a")))[-1]
        assert "give two" in sentence(last)
        last = core.ask(ReportTo(file, OPTIONS, str(tmp_path / "no" / "a.html")))[-1]
        assert "is no folder" in sentence(last)
    assert other.read_text() == "dear colleague"


def test_a_stopped_report_leaves_nothing_behind(file: FileId, tmp_path: Path) -> None:
    gate, folder = tmp_path / "gate", tmp_path / "out"
    folder.mkdir()
    with CoreClient(gated_core(gate)) as core:
        call = core.send(ReportTo(file, OPTIONS, str(folder / "report.html")))
        stop = core.send(Cancel(call))
        ends = {}
        while len(ends) < 2:
            answer = core.anything()
            if answer.last:
                ends[answer.id] = answer.body
            if stop in ends:
                gate.touch()
    assert ends == {call: Stopped(), stop: Done()}
    assert list(folder.iterdir()) == []
