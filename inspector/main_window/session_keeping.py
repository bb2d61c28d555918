"""Keep the session when the window closes, and open it again at the next start."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject

from inspector import session
from inspector.models.problem import Problem

if TYPE_CHECKING:
    from inspector.main_window.window import MainWindow


class SessionKeeping(QObject):
    """The session on the disk.

    Parameters
    ----------
    window : MainWindow
    path : Path or None
        The file, None to keep nothing.
    """

    def __init__(self, window: "MainWindow", path: Path | None) -> None:
        super().__init__(window)
        self._window = window
        self._path = path

    def restore(self) -> None:
        """Open what was open; files that vanished are told of by whoever cannot read them."""
        if self._path is None:
            return
        kept, complaint = session.read(self._path)
        if complaint:
            self._window.problems.add(Problem(complaint, severity="notice", where="session"))
        self.restore_geometry(kept)
        self._window.shelf.restore(kept.pages)
        if kept.files or kept.page != self._window.session.state.page:
            self._window.session.show(session.restored(self._window.session.state, kept))

    def restore_geometry(self, kept: session.Kept) -> None:
        """Stand where the window stood."""
        with suppress(ValueError):
            self._window.restoreGeometry(QByteArray(bytes.fromhex(kept.geometry)))

    def save(self) -> None:
        """Keep what is open; a session that cannot be kept is not worth holding the user up."""
        if self._path is None:
            return
        geometry = bytes(self._window.saveGeometry().data()).hex()
        with suppress(OSError):
            state, pages = self._window.session.state, self._window.shelf.keep()
            session.write(self._path, session.kept_of(state, geometry, pages))
