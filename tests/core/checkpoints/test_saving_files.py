"""Files that are written whole or not at all, over nothing."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from sparse_core.checkpoints import open_checkpoint, saving
from sparse_core.checkpoints.saving import Outgoing, check_target, save, write_whole
from sparse_core.errors import SparseError


def outgoing(name: str, values: np.ndarray, code: str = "F32") -> Outgoing:
    return Outgoing(name, code, values.shape, values.nbytes, lambda: iter([values.reshape(-1)]))


def failing(code: int) -> Iterator[bytes]:
    yield b"half of it"
    raise OSError(code, os.strerror(code))


def test_the_official_reader_reads_it(tmp_path: Path) -> None:
    first = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensors = [
        outgoing("b", first),
        outgoing("a", np.zeros((0, 5), np.float32)),
        outgoing("ü", np.array(3, np.int64), "I64"),
    ]
    size = save(tmp_path / "out", tensors, {"made by": "us"})
    assert size == (tmp_path / "out").stat().st_size
    read = load_file(tmp_path / "out")
    assert set(read) == {"a", "b", "ü"}
    np.testing.assert_array_equal(read["b"], first)
    assert (read["a"].shape, int(read["ü"])) == ((0, 5), 3)
    with open_checkpoint(tmp_path / "out") as checkpoint:
        assert dict(checkpoint.metadata) == {"made by": "us"}


def test_a_tensor_is_read_when_its_turn_has_come(tmp_path: Path) -> None:
    seen: list[str] = []

    def lazily(name: str) -> Outgoing:
        def chunks() -> Iterator[bytes]:
            seen.append(name)
            yield bytes(4)
            yield bytes(4)

        return Outgoing(name, "F32", (2,), 8, chunks)

    tensors = [lazily("x"), lazily("y")]
    assert seen == []
    save(tmp_path / "out", tensors, {})
    assert seen == ["x", "y"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_nothing(tmp_path: Path, code: int) -> None:
    with pytest.raises(SparseError, match="disk is full"):
        write_whole(tmp_path / "out", failing(code))
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = Outgoing("x", "F32", (1 << 60,), 1 << 62, lambda: pytest.fail("read for nothing"))
    with pytest.raises(SparseError, match="free some space first"):
        save(tmp_path / "out", [huge], {})
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(4)
        raise SparseError("The file changed.")

    with pytest.raises(SparseError, match=r"The file changed\."):
        save(tmp_path / "out", [Outgoing("x", "F32", (2,), 8, chunks)], {})
    assert list(tmp_path.iterdir()) == []


def test_a_name_twice_or_a_format_that_is_none(tmp_path: Path) -> None:
    one = outgoing("x", np.zeros(1, np.float32))
    with pytest.raises(SparseError, match="a name twice"):
        save(tmp_path / "out", [one, one], {})
    with pytest.raises(SparseError, match="format"):
        save(tmp_path / "out", [outgoing("x", np.zeros(1, np.complex128), "")], {})
    with pytest.raises(SparseError, match="no text"):
        save(tmp_path / "out", [outgoing("\ud800", np.zeros(1, np.float32))], {})
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_known_by_any_name(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"weights")
    (tmp_path / "symbolic").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    (tmp_path / "folder").symlink_to(tmp_path)
    for name in ("in", "symbolic", "hard", "folder/in", "folder/hard"):
        with pytest.raises(SparseError, match="is what is being read"):
            check_target(tmp_path / name, [source])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("there", "dangling", "folder"):
        with pytest.raises(SparseError, match="exists already"):
            check_target(tmp_path / name, [])
    # Also where it appears after that was checked.
    with pytest.raises(SparseError, match="exists by now"):
        write_whole(tmp_path / "there", [b"new"])
    assert (tmp_path / "there").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 3


def test_file_systems_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(saving.os, "link", no_links)
    write_whole(tmp_path / "out", [b"new"])
    with pytest.raises(SparseError, match="exists by now"):
        write_whole(tmp_path / "out", [b"newer"])
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_replacing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(SparseError):
        write_whole(tmp_path / "out", failing(errno.ENOSPC), replace=True)
    assert (tmp_path / "out").read_bytes() == b"old"
    write_whole(tmp_path / "out", [b"new"], replace=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


@pytest.mark.parametrize("target", ["file/out", "nowhere/out"])
def test_a_folder_that_is_none(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SparseError, match="is no folder"):
        check_target(tmp_path / target, [])
    with pytest.raises(SparseError, match="cannot be written"):
        write_whole(tmp_path / target, [b""])
