"""The pages beside the open checkpoints: made when first shown, kept, told of changes."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import msgspec
from PySide6.QtCore import QObject, Signal

from inspector.commands import TABLE
from inspector.errands import PAGE_OF, Errand, OpenWeights
from inspector.link.places import split
from inspector.page_names import PAGES
from inspector.state import SessionState

if TYPE_CHECKING:
    # Pages bring the array library.
    from inspector.main_window.window import MainWindow
    from inspector.models.asking import Asker
    from inspector.models.checkpoint_feed import CheckpointFeed
    from inspector.settings import Settings
    from inspector.theme import Theme
    from inspector.views.page import Page
    from sparse_core.messages import ScanOptions

OF_FILES = ("weights", "speed")
"""Pages about the file in front: choosing another file stays there."""


class PageShelf(QObject):
    """Every page but the weights', of which there is one a file. The window as they see it.

    Parameters
    ----------
    window : MainWindow
    kept : mapping of str to mapping
        What each page showed when the window was last closed.
    """

    made = Signal(object)
    moved = Signal()
    """Something of the page in front is other."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._pages: dict[str, Page] = {}
        self._kept: dict[str, Any] = {}
        window.session.changed.connect(self._on_session_changed)
        window.preferences.changed.connect(self._on_preferences_changed)
        window.cores.restarted.connect(self._ask_again)
        window.cores.reconnected.connect(self._ask_again)

    # ------------------------------------------------------------ the window, as pages see it

    @property
    def state(self) -> SessionState:
        """What is open, and how it is looked at."""
        return self._window.session.state

    @property
    def settings(self) -> "Settings":
        """What the user prefers."""
        return self._window.preferences.settings

    @property
    def options(self) -> "ScanOptions":
        """How checkpoints are judged."""
        return self._window.preferences.options

    def asker(self, host: str) -> "Asker":
        """Return the way to the core of a machine."""
        return self._window.cores.of(host)

    def feed(self, number: int) -> "CheckpointFeed | None":
        """Return an open checkpoint."""
        return self._window.feeds.get(number)

    # ------------------------------------------------------------ pages

    @property
    def front(self) -> "Page | None":
        """The page in front, None where it is a checkpoint's own or the first screen."""
        return self._pages.get(self.state.page)

    def page(self, name: str) -> "Page":
        """Return a page; made when it is first asked for."""
        if name not in self._pages:
            page = cast("type[Page]", import_module(f"inspector.pages.{name}").PAGE)(
                self, self._window.preferences.theme
            )
            self._pages[name] = page
            page.errand_wanted.connect(self.run)
            page.problem_found.connect(self._window.problems.add)
            page.settings_wanted.connect(self._change)
            page.moved.connect(self.moved)
            page.restore(self._kept.pop(name, {}))
            self.made.emit(page)
        return self._pages[name]

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        return {
            **{f"go.{name}": partial(self.show, name) for name in PAGES},
            **{
                command.id: partial(self._act, command.id)
                for command in TABLE
                if command.page and command.page != "weights"
            },
        }

    def show(self, name: str) -> None:
        """Bring a page forward."""
        self._window.session.show(msgspec.structs.replace(self.state, page=name))

    def run(self, errand: Errand) -> None:
        """Bring the page forward that does this, and let it do it."""
        if isinstance(errand, OpenWeights):
            self._open(errand)
            return
        name = PAGE_OF[type(errand)]
        self.show(name)
        self.page(name).take(errand)

    def keep(self) -> dict[str, Any]:
        """Return what every page should show again at the next start."""
        return {**self._kept, **{name: page.kept() for name, page in self._pages.items()}}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Remember what the pages showed, until they are made."""
        self._kept = dict(kept)

    def release(self) -> None:
        """Let every page go of the core."""
        for page in self._pages.values():
            page.release()

    @property
    def going_on(self) -> str:
        """What goes on without the window, as its pages say it."""
        return " ".join(page.going_on for page in self._pages.values() if page.going_on)

    def set_theme(self, theme: "Theme") -> None:
        """Paint with other colours."""
        for page in self._pages.values():
            page.set_theme(theme)

    def _open(self, errand: OpenWeights) -> None:
        host, path = split(errand.place)
        state = self.state.with_file(path, errand.container, host)
        if errand.tensor:
            state = state.with_view(state.current, tensor=errand.tensor)
        if errand.plane:
            state = state.with_view(state.current, plane=errand.plane)
        self._window.session.show(msgspec.structs.replace(state, page="weights"))
        page = self._window.page
        if page is not None and errand.tensor and errand.row >= 0:
            page.go_to_weight(errand.tensor, errand.row, errand.column)

    def _act(self, command: str) -> None:
        if self.front is not None:
            self.front.act(command)

    def _change(self, change: "Callable[[Settings], Settings]") -> None:
        self._window.preferences.change(change(self.settings))

    def _on_session_changed(self, old: SessionState, new: SessionState) -> None:
        for page in self._pages.values():
            page.follow(old, new)

    def _on_preferences_changed(self) -> None:
        for page in self._pages.values():
            page.show_settings(self.settings)

    def _ask_again(self, host: str) -> None:
        for page in self._pages.values():
            page.ask_again(host)
