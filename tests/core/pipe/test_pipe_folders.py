"""What a core says of its machine: folders, the cache; and how many threads it takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_client import CoreClient

from sparse_core.messages import (
    PROTOCOL,
    CacheHeld,
    CacheWanted,
    Done,
    Entry,
    Failed,
    Folder,
    FolderWanted,
    Hello,
)
from sparse_core.service import folders
from sparse_core.service.outbox import Outbox
from sparse_core.service.scanning import MOST_THREADS, THREADS, Scans
from sparse_core.service.shelf import Shelf


class Job:
    """Stands where a job of a lane stands."""

    def tick(self) -> None:
        """Nothing is cancelled."""


@pytest.fixture
def core() -> Iterator[CoreClient]:
    with CoreClient() as core:
        yield core


def test_a_folder_lists_folders_first_and_says_what_may_be_a_checkpoint(
    core: CoreClient, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "Z.PT").write_bytes(b"12345")
    (tmp_path / "a ü.txt").write_bytes(b"1")
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "broken link").symlink_to(tmp_path / "nowhere")
    (folder,) = core.ask(FolderWanted(str(tmp_path)))
    assert folder == Folder(
        str(tmp_path),
        str(tmp_path.parent),
        (
            Entry("b", folder=True),
            Entry("a ü.txt", folder=False, bytes=1),
            Entry("broken link", folder=False),
            Entry("Z.PT", folder=False, bytes=5, likely=True),
        ),
    )
    (root,) = core.ask(FolderWanted("/"))
    assert (root.path, root.parent) == ("/", "")
    (home,) = core.ask(FolderWanted())
    assert home.path == str(Path.home())


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_folder_is_a_sentence(core: CoreClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    (failed,) = core.ask(FolderWanted(str(tmp_path / name)))
    assert isinstance(failed, Failed)
    assert str(tmp_path / name) in failed.sentence
    assert not failed.trace


def test_a_name_that_is_no_text_and_what_is_too_much_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_ENTRIES", 3)
    for number in range(5):
        (tmp_path / f"{number}.pt").touch()
    with open(bytes(tmp_path) + b"/\xff.pt", "wb"):  # noqa: PTH123 - a name in bytes
        pass
    folder = folders.list_folder(Job(), FolderWanted(str(tmp_path)))
    assert [entry.name for entry in folder.entries] == ["0.pt", "1.pt", "2.pt"]
    assert folder.more == 3


def test_the_cache_is_counted_and_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with CoreClient() as core:
        (held,) = core.ask(CacheWanted())
        assert isinstance(held, CacheHeld)
        kept = Path(held.folder)
        assert kept.is_relative_to(tmp_path)
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "one.scan").write_bytes(b"1234")
        assert core.ask(CacheWanted()) == [CacheHeld(held.folder, 1, 4)]
        assert core.ask(CacheWanted(clear=True)) == [CacheHeld(held.folder, 0, 0)]
        assert not (kept / "one.scan").exists()


def test_a_window_says_how_many_threads_a_scan_may_take(core: CoreClient) -> None:
    assert core.ask(Hello(PROTOCOL, "x", 3)) == [Done()]
    scans = Scans(Shelf(), Outbox(lambda _: None))
    for wanted, taken in ((3, 3), (0, THREADS), (10**6, MOST_THREADS), (-1, THREADS)):
        scans.set_threads(wanted)
        assert scans._threads == taken
