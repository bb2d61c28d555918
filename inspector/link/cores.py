"""All cores that the window talks to: one on this machine, one for each host in use."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from inspector.link.core import CoreLink
from sparse_core.messages import Welcome

CommandOf = Callable[[str], Sequence[str]]


class Cores(QObject):
    """Links by host; "" is this machine. Every signal names the host first.

    Parameters
    ----------
    local : CoreLink
        Started and stopped by the caller.
    command_of : callable
        Gives the argument vector that starts a core on a host.
    """

    state_changed = Signal(str, str)
    welcomed = Signal(str, object)
    logged = Signal(str)
    """A line of a core's stderr, with the host in front where it is another machine."""
    news = Signal(str, object)
    file_marked = Signal(str, str, str)
    restarted = Signal(str)
    reconnected = Signal(str)

    def __init__(
        self, local: CoreLink, command_of: CommandOf, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._command_of = command_of
        self._links: dict[str, CoreLink] = {}
        self._welcomes: dict[str, Welcome] = {}
        self._states: dict[str, str] = {}
        self._take("", local)

    def of(self, host: str) -> CoreLink:
        """Return the link to a host; a new one is made and started."""
        if host not in self._links:
            self._take(host, CoreLink(self._command_of(host), self, host=host))
            self._links[host].start()
        return self._links[host]

    def wake(self, host: str) -> None:
        """Try again to reach a host that was given up, by the command of now."""
        link = self.of(host)
        if self.state(host) == "failed":
            if host:
                link.set_command(self._command_of(host))
            link.start()

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts in use, this machine first."""
        return tuple(self._links)

    def state(self, host: str) -> str:
        """Return how the core of a host is."""
        return self._states.get(host, "starting")

    def welcome(self, host: str) -> Welcome | None:
        """Return what the core of a host said of itself, None before it spoke."""
        return self._welcomes.get(host)

    def failure(self, host: str) -> str:
        """Return why there is no core on a host."""
        return self._links[host].failure if host in self._links else ""

    def stop(self) -> None:
        """End all cores."""
        for link in self._links.values():
            link.stop()

    def _take(self, host: str, link: CoreLink) -> None:
        self._links[host] = link
        link.state_changed.connect(partial(self._on_state, host))
        link.welcomed.connect(partial(self._on_welcomed, host))
        link.logged.connect(partial(self._on_logged, host))
        link.news.connect(partial(self.news.emit, host))
        link.file_marked.connect(partial(self.file_marked.emit, host))
        link.restarted.connect(partial(self.restarted.emit, host))
        link.reconnected.connect(partial(self.reconnected.emit, host))

    def _on_state(self, host: str, state: str) -> None:
        self._states[host] = state
        self.state_changed.emit(host, state)

    def _on_welcomed(self, host: str, welcome: Welcome) -> None:
        self._welcomes[host] = welcome
        self.welcomed.emit(host, welcome)

    def _on_logged(self, host: str, line: str) -> None:
        self.logged.emit(f"{host}: {line}" if host else line)


def about(host: str) -> str:
    """Name a core as the subject of a problem."""
    return f"core on {host}" if host else "core"
