"""The search over commands and tensors, and the sheet of shortcuts: views of the command table."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from inspector.commands import TABLE
from inspector.theme import Theme
from inspector.views.shortcut_sheet import ShortcutSheet

if TYPE_CHECKING:
    # The search brings the array library.
    from inspector.main_window.window import MainWindow
    from inspector.models.checkpoint_feed import CheckpointFeed
    from inspector.models.fuzzy import NameIndex
    from inspector.models.search_results import Result
    from inspector.views.palette import Palette

_PLACEHOLDER = "Search tensors; begin with > for commands"


class Searching(QObject):
    """Answers what is typed into the palette and does what is chosen there."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._palette: Palette | None = None
        self._sheet: ShortcutSheet | None = None
        self._indexed: tuple[CheckpointFeed, int, NameIndex] | None = None

    @property
    def palette(self) -> "Palette":
        """The palette, made when it is first needed."""
        if self._palette is None:
            from inspector.views.palette import Palette

            self._palette = Palette(self._window.preferences.theme, self._window.frame)
            self._palette.typed.connect(self._on_typed)
            self._palette.chosen.connect(self._on_chosen)
        return self._palette

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        return {
            "go.tensor": lambda: self.palette.open("", _PLACEHOLDER),
            "go.command": lambda: self.palette.open(">", _PLACEHOLDER),
            "help.shortcuts": self._show_sheet,
        }

    def open(self) -> None:
        """Open the search: over tensors where there are any, else over commands."""
        self.palette.open("" if self._window.feed is not None else ">", _PLACEHOLDER)

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        if self._palette is not None:
            self._palette.set_theme(theme)

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        from inspector.models.search_results import COMMAND_MARK, find_commands, find_tensors

        if text.startswith(COMMAND_MARK):
            recent = self._window.preferences.settings.recent_commands
            found = find_commands(TABLE, text[1:], recent, self._window.commands.why_not)
            self.palette.show_results(found, "No command is called so.")
            return
        feed = self._window.feed
        if feed is None:
            self.palette.show_results([], "Open a checkpoint to search its tensors, or type >.")
            return
        found = find_tensors(self._index(feed), feed.table, text)
        self.palette.show_results(found, "No tensor is called so.")

    def _index(self, feed: "CheckpointFeed") -> "NameIndex":
        """Return the names of a checkpoint made ready, once for every listing."""
        from inspector.models.fuzzy import NameIndex

        known = self._indexed
        if known is None or known[0] is not feed or known[1] != len(feed.table):
            known = (feed, len(feed.table), NameIndex(feed.table.names))
            self._indexed = known
        return known[2]

    @Slot(object)
    def _on_chosen(self, result: "Result") -> None:
        if not result.command:
            if self._window.page is not None:
                self._window.page.tensor_chosen.emit(result.id)
            return
        preferences = self._window.preferences
        preferences.change(preferences.settings.used(result.id))
        self._window.commands[result.id].trigger()

    def _show_sheet(self) -> None:
        if self._sheet is None:
            self._sheet = ShortcutSheet(TABLE, self._window)
        self._sheet.show()
        self._sheet.raise_()
