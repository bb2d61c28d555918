"""What the user looks at, as one frozen value.

Everything that a page shows follows from this value and from what the core has sent. Whoever
wants a change replaces the value; whoever shows something compares the fields it uses in the
old and the new one and touches only what differs.
"""

from typing import Any, Literal

import msgspec
from PySide6.QtCore import QObject, Signal

from inspector.link.places import join
from sparse_core.messages import Plane


class Spot(msgspec.Struct, frozen=True):
    """The part of a heat map that is seen: a zoom step and the weight in the middle."""

    zoom: int
    row: int
    column: int


class FileView(msgspec.Struct, frozen=True):
    """One open checkpoint and how it is looked at.

    Attributes
    ----------
    number : int
        Distinguishes open files for as long as the program runs; never used twice.
    path, container : str
        What was opened, on the core's machine.
    host : str
        That machine, "" for this one.
    tensor : str
        The chosen layer, "" for none.
    plane : str
        The plane of the heat map; "" is the one that suits the layer.
    spot : Spot or None
        Which part of the map is seen; None is all of it.
    """

    number: int
    path: str
    container: str = ""
    tensor: str = ""
    plane: Plane | Literal[""] = ""
    host: str = ""
    spot: Spot | None = None

    @property
    def title(self) -> str:
        """Last part of the path, the container where one was chosen, and the other machine."""
        name = self.path.rstrip("/").rpartition("/")[2] or self.path
        return " · ".join(part for part in (name, self.container, self.host) if part)

    @property
    def place(self) -> str:
        """Path and machine as the user writes them."""
        return join(self.host, self.path)


class SessionState(msgspec.Struct, frozen=True):
    """The whole session.

    Attributes
    ----------
    files : tuple of FileView
        Open files in the order of their tabs.
    current : int
        Number of the file in front, -1 for none.
    opened : int
        How many files were opened so far: the number of the next one.
    page : str
        The page in front, by its name on the rail.
    log_shown : bool
        Whether the core's log is open.
    """

    files: tuple[FileView, ...] = ()
    current: int = -1
    opened: int = 0
    page: str = "weights"
    log_shown: bool = False

    @property
    def file(self) -> FileView | None:
        """The file whose tab is in front."""
        return next((file for file in self.files if file.number == self.current), None)

    def with_file(self, path: str, container: str = "", host: str = "") -> "SessionState":
        """Return the state with ``path`` in front, opened if it was not."""
        for file in self.files:
            if (file.path, file.container, file.host) == (path, container, host):
                return msgspec.structs.replace(self, current=file.number)
        return self.with_new(FileView(0, path, container, host=host))

    def with_new(self, file: FileView) -> "SessionState":
        """Return the state with one more file in front, under a number of its own."""
        return msgspec.structs.replace(
            self,
            files=(*self.files, msgspec.structs.replace(file, number=self.opened)),
            current=self.opened,
            opened=self.opened + 1,
        )

    def without_file(self, number: int) -> "SessionState":
        """Return the state with a file closed; its neighbour comes to the front."""
        numbers = [file.number for file in self.files]
        if number not in numbers:
            return self
        place = numbers.index(number)
        files = self.files[:place] + self.files[place + 1 :]
        current = self.current
        if current == number:
            current = files[min(place, len(files) - 1)].number if files else -1
        return msgspec.structs.replace(self, files=files, current=current)

    def with_view(self, number: int, **changes: Any) -> "SessionState":
        """Return the state with fields of one file's view replaced."""
        return msgspec.structs.replace(
            self,
            files=tuple(
                msgspec.structs.replace(file, **changes) if file.number == number else file
                for file in self.files
            ),
        )


class Session(QObject):
    """Holds the state of now and tells of every change."""

    changed = Signal(object, object)
    """Old and new ``SessionState``; never emitted for equal ones."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = SessionState()

    @property
    def state(self) -> SessionState:
        """The state of now."""
        return self._state

    def show(self, state: SessionState) -> None:
        """Make this the state of now."""
        old, self._state = self._state, state
        if old != state:
            self.changed.emit(old, state)
