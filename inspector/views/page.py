"""A page that stands beside the open checkpoints: one question of the user."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from inspector.errands import Errand
from inspector.models.desk import Desk
from inspector.settings import Settings
from inspector.state import SessionState
from inspector.theme import Theme
from sparse_core.messages import Progress


class Page(QWidget):
    """What the window asks of every page but the weights', of which there is one a file.

    A page is made when it is first shown and lives as long as the window.

    Parameters
    ----------
    desk : Desk
        What it may use of the window.
    theme : Theme
    """

    errand_wanted = Signal(object)
    """An ``Errand`` for another page."""
    problem_found = Signal(object)
    """A ``Problem``."""
    settings_wanted = Signal(object)
    """A function from ``Settings`` to other ``Settings``."""
    moved = Signal()
    """Status, progress or facts are others."""

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.theme = theme

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown is still to come."""
        return True

    @property
    def status(self) -> str:
        """The quiet line at the foot of the window."""
        return ""

    @property
    def progress(self) -> Progress | None:
        """How far the work in hand is; None while nothing runs."""
        return None

    @property
    def facts(self) -> frozenset[str]:
        """What decides whether the page's commands are possible."""
        return frozenset()

    def act(self, command: str) -> None:
        """Carry out one of the page's commands."""
        raise NotImplementedError(command)

    def take(self, errand: Errand) -> None:
        """Do what another page, or the command line, asks for."""

    def come_forward(self) -> None:
        """Note that the page is in front now: put the keyboard where work begins."""

    def follow(self, old: SessionState, new: SessionState) -> None:
        """Note what changed in the session."""

    def show_settings(self, settings: Settings) -> None:
        """Note what the user prefers now."""

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self.theme = theme

    def cancel(self) -> None:
        """Stop what runs; what came so far stays."""

    def ask_again(self, host: str) -> None:
        """Ask for what was in flight: the core of a machine was started again."""

    def kept(self) -> dict[str, Any]:
        """Return what the next start should show again, as plain values."""
        return {}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Show again what was kept; what no longer holds is left out."""

    def shown(self) -> dict[str, Any]:
        """Return what the page says, for tests and pictures."""
        return {}

    @property
    def going_on(self) -> str:
        """What goes on without the window, asked about before it closes; "" for nothing."""
        return ""

    def release(self) -> None:
        """Let go of the core: answers that still come are not for this page."""
