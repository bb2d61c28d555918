"""What a page may use of the window."""

from typing import Protocol

from inspector.models.asking import Asker
from inspector.models.checkpoint_feed import CheckpointFeed
from inspector.settings import Settings
from inspector.state import SessionState
from sparse_core.messages import ScanOptions


class Desk(Protocol):
    """The window as a page sees it."""

    @property
    def state(self) -> SessionState:
        """What is open, and how it is looked at."""
        ...

    @property
    def settings(self) -> Settings:
        """What the user prefers."""
        ...

    @property
    def options(self) -> ScanOptions:
        """How checkpoints are judged."""
        ...

    def asker(self, host: str) -> Asker:
        """Return the way to the core of a machine, "" for this one."""
        ...

    def feed(self, number: int) -> CheckpointFeed | None:
        """Return an open checkpoint by the number of its file."""
        ...
