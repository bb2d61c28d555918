"""Violations, loupe and repair through a core process, against plain numpy."""

from pathlib import Path

import numpy as np
import pytest
from core_client import CoreClient
from safetensors.numpy import save_file

from sparse_core.messages import (
    Done,
    Failed,
    FileId,
    Loupe,
    LoupeWanted,
    NextViolation,
    RepairPreview,
    RepairWanted,
    ScanOptions,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)

OPTIONS = ScanOptions(pattern="2:4", cache=False)
NAME = "fc.weight"


@pytest.fixture
def weight() -> np.ndarray:
    random = np.random.default_rng(5)
    dense = random.standard_normal((24, 32)).astype(np.float32)
    dense.reshape(-1, 4)[:, 2:] = 0
    dense.reshape(-1, 4)[random.random(192) < 0.1, 3] = 0.01
    dense[20, 12:16] = (1.0, 0.999, 0.998, 0)
    return dense


@pytest.fixture
def file(tmp_path: Path, weight: np.ndarray) -> FileId:
    save_file({NAME: weight}, tmp_path / "model.safetensors")
    return FileId(str(tmp_path / "model.safetensors"))


def bad_groups(weight: np.ndarray) -> list[tuple[int, int]]:
    counts = (weight.reshape(24, 8, 4) != 0).sum(axis=2)
    return [(int(row), 4 * int(group)) for row, group in np.argwhere(counts > 2)]


def test_violations_are_numbered_and_walked(file: FileId, weight: np.ndarray) -> None:
    expected = bad_groups(weight)
    with CoreClient() as core:
        (found,) = core.ask(ViolationsWanted(0, file, OPTIONS, NAME))
        assert isinstance(found, Violations)
        rows = np.frombuffer(found.rows, "<i8")
        columns = np.frombuffer(found.columns, "<i8")
        assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
        assert (found.ordinal, found.total) == (0, len(expected))
        assert found.places[0] == f"[{expected[0][0]}, {expected[0][1]}:{expected[0][1] + 4}]"
        assert found.texts[0].startswith("3 kept of 4; drop ")
        row, column = -1, -1
        for number, place in enumerate(expected):
            (step,) = core.ask(NextViolation(0, file, OPTIONS, NAME, row, column))
            row, column = (int(np.frombuffer(at, "<i8")[0]) for at in (step.rows, step.columns))
            assert (row, column) == place
            assert step.ordinal == number
        (end,) = core.ask(NextViolation(0, file, OPTIONS, NAME, row, column))
        assert end.rows == b""
        (back,) = core.ask(NextViolation(0, file, OPTIONS, NAME, row, column, -1))
        assert back.ordinal == len(expected) - 2
        (none,) = core.ask(NextViolation(0, file, OPTIONS, NAME, *expected[0], -1))
        assert none.rows == b""


def test_the_loupe_equals_numpy(file: FileId, weight: np.ndarray) -> None:
    row, column = bad_groups(weight)[0]
    group = weight[row, column : column + 4]
    with CoreClient() as core:
        (loupe,) = core.ask(LoupeWanted(0, file, OPTIONS, NAME, row, column + 2))
    assert isinstance(loupe, Loupe)
    assert loupe.values == tuple(group.astype(float).tolist())
    order = np.argsort(np.abs(group), kind="stable")[::-1]
    assert [loupe.ranks[at] for at in order if group[at]] == [1, 2, 3]
    assert [at for at in range(4) if loupe.correct[at]] == sorted(order[:2].tolist())
    assert loupe.place == f"fc[{row}, {column}:{column + 4}]"
    stays, goes = abs(group[order[1]]), abs(group[order[2]])
    assert loupe.margin == pytest.approx((float(stays) - float(goes)) / float(stays))


def test_unsteady_groups(file: FileId) -> None:
    with CoreClient() as core:
        (found,) = core.ask(UnsteadyWanted(0, file, OPTIONS, NAME, noise=0.01))
    assert (found.total, found.places) == (1, ("[20, 12:16]",))


def test_what_a_repair_changes(file: FileId, weight: np.ndarray) -> None:
    groups = weight.astype(np.float64).reshape(-1, 4)
    sizes = -np.sort(-np.abs(groups), axis=1)[:, 2:]
    with CoreClient() as core:
        *found, last = core.ask(RepairWanted(file, OPTIONS, "2:4", "in", (NAME,)))
    assert isinstance(last, Done)
    (preview,) = found
    assert isinstance(preview, RepairPreview)
    assert preview.weights == int((sizes > 0).sum())
    assert preview.groups == len(bad_groups(weight))
    share = np.sqrt((sizes**2).sum()) / np.linalg.norm(groups)
    assert preview.norm_share == pytest.approx(float(share))


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (lambda file: LoupeWanted(0, file, OPTIONS, NAME, 999, 0), "no row 999"),
        (lambda file: LoupeWanted(0, file, ScanOptions(cache=False), "head", 0, 0), "no pattern"),
        (lambda file: ViolationsWanted(0, file, OPTIONS, "none"), "lists no tensor none"),
        (lambda file: RepairWanted(file, OPTIONS, "4:2", "in", (NAME,)), "no pattern"),
        (lambda file: RepairWanted(file, OPTIONS, "2:4", "sideways", (NAME,)), "no axis"),
        (lambda file: RepairWanted(file, OPTIONS, "2:4", "in", ("none",)), "lists no tensor none"),
    ],
)
def test_what_cannot_be_answered_is_said(tmp_path: Path, question, sentence: str) -> None:
    head = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
    save_file({NAME: head, "head": head + 1}, tmp_path / "m.safetensors")
    with CoreClient() as core:
        *_, last = core.ask(question(FileId(str(tmp_path / "m.safetensors"))))
    assert isinstance(last, Failed)
    assert sentence in last.sentence
