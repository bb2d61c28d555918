"""What the user prefers: kept, shown in a dialog, and put in force."""

from collections.abc import Callable
from functools import partial

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from inspector.link.cores import Cores
from inspector.models.problem import Problem
from inspector.settings import Settings, SettingsFile
from inspector.theme import SchemeFollower, Theme
from inspector.views.settings_dialog import SettingsDialog
from sparse_core.messages import Answer, CacheHeld, CacheWanted, Failed, ScanOptions

THEMES = ("system", "dark", "light")


class Preferences(QObject):
    """The settings in force.

    Parameters
    ----------
    file : SettingsFile
    follower : SchemeFollower
    cores : Cores
    parent : QWidget
        The window over which the dialog stands.
    """

    changed = Signal()
    problem_found = Signal(object)

    def __init__(
        self, file: SettingsFile, follower: SchemeFollower, cores: Cores, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._file = file
        self._follower = follower
        self._cores = cores
        self._dialog: SettingsDialog | None = None
        follower.scale(file.settings.scale)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._file.settings

    def command_for(self, host: str) -> tuple[str, ...]:
        """Return the command that starts a core on a host; a broken one is told of."""
        try:
            return self.settings.command_for(host)
        except ValueError as error:
            sentence = f"The command that reaches {host} is no command: {error}."
            self.problem_found.emit(Problem(sentence, where=host))
            return Settings().command_for(host)

    @property
    def options(self) -> ScanOptions:
        """How files are judged."""
        settings = self.settings
        return ScanOptions(
            threshold=settings.threshold,
            kinds=settings.kinds,
            axes=settings.axes,
            cache=settings.cache,
        )

    @property
    def theme(self) -> Theme:
        """The theme on the screen."""
        return self._follower.theme

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        return {
            "file.settings": self.show_dialog,
            "view.larger": lambda: self.change(self.settings.scaled(1)),
            "view.smaller": lambda: self.change(self.settings.scaled(-1)),
            "view.usual_size": lambda: self.change(self.settings.scaled(0)),
            **{f"view.{theme}": partial(self._choose_theme, theme) for theme in THEMES},
        }

    @Slot(object)
    def change(self, settings: Settings) -> None:
        """Put other settings in force and keep them."""
        old = self.settings
        failure = self._file.change(settings)
        if failure:
            self.problem_found.emit(Problem(failure, severity="notice", where="settings"))
        self._follower.wish(settings.theme)
        self._follower.scale(settings.scale)
        if old.threads != settings.threads:
            self._cores.of("").set_threads(settings.threads)
        self.changed.emit()
        if self._dialog is not None:
            self._dialog.show_settings(settings)

    @Slot(str)
    def opened(self, place: str) -> None:
        """Note a place among the recent."""
        self.change(self.settings.opened(place))

    def show_dialog(self) -> None:
        """Show the settings; the dialog stands beside the work, not before it."""
        if self._dialog is None:
            self._dialog = SettingsDialog(self._window)
            self._dialog.changed.connect(self.change)
            self._dialog.clear_wanted.connect(partial(self._ask_cache, clear=True))
            self._dialog.finished.connect(self._on_dialog_closed)
        self._dialog.show_settings(self.settings)
        self._ask_cache(clear=False)
        self._dialog.show()
        self._dialog.raise_()

    def _choose_theme(self, wish: str) -> None:
        self.change(msgspec.structs.replace(self.settings, theme=wish))

    def _ask_cache(self, *, clear: bool) -> None:
        self._cores.of("").ask(CacheWanted(clear), self._on_cache)

    def _on_cache(self, answer: Answer) -> None:
        body = answer.body
        if self._dialog is None:
            return
        if isinstance(body, CacheHeld):
            self._dialog.show_cache(body)
        elif isinstance(body, Failed):
            self._dialog.show_complaint(body.sentence)

    @Slot()
    def _on_dialog_closed(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
