"""Follow the system's colour scheme while the program runs."""

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from inspector.theme.apply import apply, scale_fonts
from inspector.theme.tokens import DARK, LIGHT, Theme

_HALF = 128


def choose(wish: str, scheme: Qt.ColorScheme, window_lightness: int) -> Theme:
    """Decide between dark and light.

    Parameters
    ----------
    wish : str
        ``dark`` or ``light`` by the user's setting; anything else follows the system.
    scheme : Qt.ColorScheme
        What the system says; Unknown on bare X11 and offscreen.
    window_lightness : int
        Lightness in 0 ... 255 of the window colour that the platform came with: the hint that is
        left where the scheme is unknown.
    """
    if wish in ("dark", "light"):
        return DARK if wish == "dark" else LIGHT
    if scheme == Qt.ColorScheme.Unknown:
        return DARK if window_lightness < _HALF else LIGHT
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


class SchemeFollower(QObject):
    """Keeps the application in the theme that the user or the system asks for."""

    changed = Signal(object)
    """The new ``Theme``, after it was applied."""

    def __init__(self, app: QApplication, wish: str = "system") -> None:
        super().__init__()
        self._app = app
        self._wish = wish
        # Read before our own palette hides what the platform came with.
        self._lightness = app.palette().color(QPalette.ColorRole.Window).lightness()
        self._theme = self._chosen()
        apply(app, self._theme)
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def theme(self) -> Theme:
        """The theme on the screen."""
        return self._theme

    def wish(self, wish: str) -> None:
        """Follow another wish: ``dark``, ``light`` or ``system``."""
        self._wish = wish
        self._follow()

    def scale(self, percent: int) -> None:
        """Make text larger or smaller, in percent of the usual size."""
        scale_fonts(self._app, percent)

    def _chosen(self) -> Theme:
        return choose(self._wish, self._app.styleHints().colorScheme(), self._lightness)

    @Slot()
    def _on_scheme_changed(self) -> None:
        self._follow()

    def _follow(self) -> None:
        theme = self._chosen()
        if theme is self._theme:
            return
        self._theme = theme
        apply(self._app, theme)
        self.changed.emit(theme)
