"""Put the parts of the program together; paths come in as arguments."""

from pathlib import Path

import msgspec
import platformdirs
from PySide6.QtWidgets import QApplication

import resources
from inspector.link.core import CoreLink
from inspector.main_window import MainWindow
from inspector.settings import SettingsFile
from inspector.theme import SchemeFollower, register_fonts


class Assembled(msgspec.Struct, frozen=True):
    """The window and what must live as long as it."""

    window: MainWindow
    link: CoreLink
    follower: SchemeFollower


def settings_path() -> Path:
    """Return where the user's settings live."""
    return Path(platformdirs.user_config_dir("sparsescope")) / "settings.json"


def session_path() -> Path:
    """Return where the last session lives: apart from what the user chose on purpose."""
    return Path(platformdirs.user_state_dir("sparsescope")) / "session.json"


def assemble(
    app: QApplication, settings: Path | None = None, session: Path | None = None
) -> Assembled:
    """Make the window and a link to a core that is not started yet.

    Parameters
    ----------
    settings : Path or None
        The settings file, None for the user's.
    session : Path or None
        Where the session is kept, None to keep none.
    """
    app.setApplicationName("sparsescope")
    app.setApplicationDisplayName("Sparsescope")
    app.setDesktopFileName("sparsescope")
    register_fonts(resources.fonts())
    kept = SettingsFile(settings or settings_path())
    follower = SchemeFollower(app, kept.settings.theme)
    link = CoreLink(threads=kept.settings.threads)
    return Assembled(MainWindow(link, kept, follower, session), link, follower)
