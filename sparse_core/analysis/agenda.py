"""The order in which tensors are done. What the user looks at goes first."""

from collections import deque
from collections.abc import Iterable
from threading import Lock


class Agenda:
    """Names that are still to be done.

    One thread takes names while another promotes what the user has scrolled to.

    Parameters
    ----------
    names : iterable of str
        All names, in the order of the listing.
    first : iterable of str
        Those to do before the others.
    """

    def __init__(self, names: Iterable[str], first: Iterable[str] = ()) -> None:
        self._order = deque(names)
        self._waiting = set(self._order)
        self._urgent: deque[str] = deque(first)
        self._lock = Lock()

    def promote(self, names: Iterable[str]) -> None:
        """Do these next, before what was promoted earlier; names already done are ignored."""
        with self._lock:
            self._urgent.extendleft(reversed(tuple(names)))

    def take(self) -> str | None:
        """Give the next name; None when all are done."""
        with self._lock:
            for line in (self._urgent, self._order):
                while line:
                    name = line.popleft()
                    if name in self._waiting:
                        self._waiting.remove(name)
                        return name
            return None

    def __len__(self) -> int:
        """Count the names that are still waiting."""
        return len(self._waiting)
