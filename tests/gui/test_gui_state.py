"""The session, the settings and the command table."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from inspector.commands import MENUS, TABLE, Commands, Situation
from inspector.page_names import PAGES
from inspector.settings import MOST_RECENT, Settings, SettingsFile
from inspector.state import Session, SessionState

pytestmark = pytest.mark.gui


def test_a_file_is_opened_once_and_brought_forward_again() -> None:
    state = SessionState().with_file("/a").with_file("/b").with_file("/a")
    assert [file.path for file in state.files] == ["/a", "/b"]
    assert state.file is not None
    assert state.file.path == "/a"


def test_closing_brings_the_neighbour_forward_and_numbers_are_never_reused() -> None:
    state = SessionState().with_file("/a").with_file("/b").with_file("/c")
    state = state.without_file(state.current)
    assert state.file is not None
    assert state.file.path == "/b"
    assert state.with_file("/d").current == 3
    empty = state.without_file(0).without_file(1)
    assert empty.file is None
    assert empty.with_file("/e").current == 3


def test_title_is_the_last_part_of_the_path() -> None:
    file = SessionState().with_file("/a b/größe.safetensors/", "ema").file
    assert file is not None
    assert file.title == "größe.safetensors · ema"


def test_session_tells_old_and_new_and_is_silent_without_a_change(qapp: QApplication) -> None:
    session = Session()
    heard: list[tuple[SessionState, SessionState]] = []
    session.changed.connect(lambda old, new: heard.append((old, new)))
    session.show(session.state.with_file("/a"))
    session.show(session.state.with_view(0, tensor="w"))
    session.show(session.state.with_view(0, tensor="w"))
    assert len(heard) == 2
    assert heard[1][0].files[0].tensor == ""
    assert heard[1][1].files[0].tensor == "w"


# ---------------------------------------------------------------- settings


def test_settings_come_back_and_defaults_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    assert SettingsFile(path).change(Settings(theme="dark").opened("/a")) == ""
    assert SettingsFile(path).settings == Settings(theme="dark", recent=("/a",))
    assert set(json.loads(path.read_text())) == {"version", "theme", "recent"}
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("content", "theme"),
    [
        (b"", "system"),
        (b"\xff\x00{", "system"),
        (b"[1, 2]", "system"),
        (b'{"version": 1, "theme": "pink", "recent": ["/a"]}', "system"),
        (b'{"version": 7, "theme": "light", "recent": ["/a"], "new": {}}', "light"),
        (b'{"version": "x", "theme": "light", "recent": ["/a"], "unknown": 1}', "light"),
    ],
)
def test_no_settings_file_blocks_the_start(tmp_path: Path, content: bytes, theme: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    file = SettingsFile(path)
    assert file.settings.theme == theme
    if b"recent" in content:
        assert file.settings.recent == ("/a",)
    assert bool(file.notice) == (b'"unknown"' not in content)
    file.change(file.settings.opened("/b"))
    assert SettingsFile(path).settings.recent[0] == "/b"
    kept = path.with_name("settings.json.kept")
    assert not file.notice or kept.read_bytes() == content


def test_settings_that_cannot_be_written_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = SettingsFile(tmp_path / "file" / "settings.json")
    assert "cannot be written" in file.change(Settings(theme="dark"))
    assert file.settings.theme == "dark"


def test_recent_files_are_few_and_unique() -> None:
    settings = Settings()
    for number in [*range(20), 15]:
        settings = settings.opened(f"/{number}")
    assert settings.recent[:2] == ("/15", "/19")
    assert len(settings.recent) == len(set(settings.recent)) == MOST_RECENT
    assert "/15" not in settings.forgot("/15").recent


# ---------------------------------------------------------------- commands


def test_ids_titles_and_shortcuts_are_unique() -> None:
    ids = [command.id for command in TABLE]
    titles = [command.title for command in TABLE]
    for values in (ids, titles):
        assert len(values) == len(set(values))
    # Two pages may share a key: only one of them is in front.
    for page in PAGES:
        here = [command for command in TABLE if command.page in ("", page)]
        shortcuts = [text for command in here for text in command.shortcuts]
        assert len(shortcuts) == len(set(shortcuts))
    assert {command.menu for command in TABLE} == set(MENUS)


class Everything(frozenset[str]):
    """Every fact that any page may ask for."""

    def __contains__(self, fact: object) -> bool:
        return True


def test_every_command_is_possible_sometimes_and_says_why_when_not() -> None:
    steps = {"back": True, "forward": True, "undo": True, "redo": True, "broken": True}
    everything = Situation(files=2, tensor=True, rows=3, working=True, problems=1, **steps)
    for command in TABLE:
        there = replace(everything, page=command.page or "weights", facts=Everything())
        assert command.why_not(there) == ""
        elsewhere = replace(there, page="speed" if command.page != "speed" else "weights")
        assert bool(command.why_not(elsewhere)) == bool(command.page)
        reason = command.why_not(Situation())
        assert not reason or reason.endswith(".")


def test_actions_follow_the_situation_and_need_a_handler_each(qapp: QApplication) -> None:
    done: list[str] = []
    owner = QObject()
    handlers = {command.id: (lambda name=command.id: done.append(name)) for command in TABLE}
    commands = Commands(handlers, owner)
    assert not commands["file.reload"].isEnabled()
    assert commands["file.reload"].toolTip() == "Open a checkpoint first."
    commands.update_enabled(Situation(files=1))
    commands["file.reload"].trigger()
    commands["file.open"].trigger()
    assert done == ["file.reload", "file.open"]
    with pytest.raises(KeyError):
        Commands({}, owner)
