"""The dialog that opens a checkpoint on another machine, answered by that machine's core."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from inspector.link.places import is_host, split
from inspector.views.open_remote import OpenRemote
from sparse_core.messages import Answer, Failed, Folder, FolderWanted

if TYPE_CHECKING:
    from inspector.main_window.window import MainWindow


class RemoteOpening(QObject):
    """Shows the dialog, asks the host's core for folders, opens what is chosen."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self.dialog: OpenRemote | None = None

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        return {"file.open_remote": self.show}

    def show(self) -> None:
        """Show the dialog; hosts known from the settings, the recent and the open are offered."""
        if self.dialog is None:
            self.dialog = OpenRemote(self._known_hosts(), self._window)
            self.dialog.folder_wanted.connect(self._on_folder_wanted)
            self.dialog.chosen.connect(self._on_chosen)
            self.dialog.finished.connect(self._on_closed)
        self.dialog.show()
        self.dialog.raise_()

    def _known_hosts(self) -> list[str]:
        settings = self._window.preferences.settings
        recent = (split(place)[0] for place in settings.recent)
        hosts = [*self._window.cores.hosts(), *recent, *settings.hosts]
        return list(dict.fromkeys(host for host in hosts if host))

    @Slot(str, str)
    def _on_folder_wanted(self, host: str, path: str) -> None:
        if self._refused(host):
            return
        self._window.cores.wake(host)
        self._window.cores.of(host).ask(FolderWanted(path), self._on_answer)

    def _on_answer(self, answer: Answer) -> None:
        if self.dialog is None:
            return
        if isinstance(answer.body, Folder):
            self.dialog.show_folder(answer.body)
        elif isinstance(answer.body, Failed):
            self.dialog.show_sentence(answer.body.sentence)

    @Slot(str, str)
    def _on_chosen(self, host: str, path: str) -> None:
        if self._refused(host):
            return
        if self.dialog is not None:
            self.dialog.close()
        self._window.open_path(path.removeprefix("~/"), host=host)

    def _refused(self, host: str) -> bool:
        """Refuse what is no name of a machine: ssh would take it for an option."""
        if is_host(host):
            return False
        if self.dialog is not None:
            self.dialog.show_sentence(f"{host!r} is no name of a machine.")
        return True

    @Slot()
    def _on_closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
