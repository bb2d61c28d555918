"""Back and forward between places, undo and redo of how things are looked at."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from inspector.history import History, Key, place_key, view_key
from inspector.state import Session, SessionState

_STEPS = {
    "back": ("places", True),
    "forward": ("places", False),
    "undo": ("views", True),
    "redo": ("views", False),
}
_KEYS: dict[str, Key] = {"places": place_key, "views": view_key}


class Journey(QObject):
    """Notes every step of the session, and takes it back."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._histories = {name: History() for name in _KEYS}
        self._travelling = False

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do."""
        return {f"go.{step}": partial(self.go, step) for step in _STEPS}

    def note(self, old: SessionState, new: SessionState) -> None:
        """Note a change, unless it was a step of the journey itself or nobody's choice."""
        if self._travelling or old.file is None or not old.file.tensor:
            return
        for name, key in _KEYS.items():
            if key(old) != key(new):
                self._histories[name] = self._histories[name].left(old)

    def can(self, step: str) -> bool:
        """Whether there is such a step."""
        return self._next(step) is not None

    def go(self, step: str) -> None:
        """Take a step."""
        found = self._next(step)
        if found is None:
            return
        state, history = found
        name, _ = _STEPS[step]
        self._histories[name] = history
        self._travelling = True
        try:
            self._session.show(state)
        finally:
            self._travelling = False

    def _next(self, step: str) -> tuple[SessionState, History] | None:
        name, backward = _STEPS[step]
        history, now = self._histories[name], self._session.state
        turn = history.back if backward else history.forward
        return turn(now, _KEYS[name])
