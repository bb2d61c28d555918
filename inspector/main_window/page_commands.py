"""What ties pages to the window: their commands, their wishes for settings, their hints."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QObject

from inspector.commands import PAGE_COMMANDS
from inspector.main_window.open_files import OpenFiles
from inspector.main_window.preferences import Preferences
from inspector.settings import Settings
from inspector.views.status_line import StatusLine

if TYPE_CHECKING:
    from inspector.pages.weights import WeightsPage


class PageTies(QObject):
    """Hands commands to the page in front and preferences to every page.

    Parameters
    ----------
    files : OpenFiles
    preferences : Preferences
    status : StatusLine
        Shows the hint of the page in front.
    """

    def __init__(
        self, files: OpenFiles, preferences: Preferences, status: StatusLine, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._files = files
        self._preferences = preferences
        self._status = status
        files.page_made.connect(self._on_page_made)
        preferences.changed.connect(self._on_preferences_changed)
        status.hints_refused.connect(self._refuse_hints)

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do: nothing where no page is in front."""

        def act(command: str) -> None:
            if self._files.page is not None:
                self._files.page.act(command)

        return {command: partial(act, command) for command in PAGE_COMMANDS}

    def show_hint(self, *_: object) -> None:
        """Show the hint of the page in front."""
        page = self._files.page
        self._status.set_hint(page.acts.story.hint if page is not None else "")

    def _on_page_made(self, page: "WeightsPage") -> None:
        page.acts.show_settings(self._preferences.settings)
        page.settings_wanted.connect(self._change)
        page.hint_changed.connect(self.show_hint)

    def _change(self, change: Callable[[Settings], Settings]) -> None:
        self._preferences.change(change(self._preferences.settings))

    def _on_preferences_changed(self) -> None:
        for page in self._files.pages.values():
            page.acts.show_settings(self._preferences.settings)

    def _refuse_hints(self) -> None:
        self._change(lambda settings: replace(settings, hints=False))
