"""Where the user has been: states of the session on two stacks, to go back and forward over.

Only how things are looked at comes back. A file that was closed since stays closed, one that was
opened since stays open.
"""

from collections.abc import Callable, Hashable

import msgspec

from inspector.state import FileView, SessionState

DEPTH = 200

Key = Callable[[SessionState], Hashable]
"""What of a state counts: a change of anything else is no step."""


def place_key(state: SessionState) -> Hashable:
    """Return where the user is: the file, the layer and the page."""
    file = state.file
    return state.page, state.current, file.tensor if file is not None else ""


def view_key(state: SessionState) -> Hashable:
    """Return all that is seen of the file in front."""
    return state.page, state.current, state.file


class History(msgspec.Struct, frozen=True):
    """States before and after this one, the nearest last."""

    past: tuple[SessionState, ...] = ()
    future: tuple[SessionState, ...] = ()

    def left(self, state: SessionState) -> "History":
        """Return the history after ``state`` was left for something new."""
        return History((*self.past, state)[-DEPTH:])

    def back(self, now: SessionState, key: Key) -> "tuple[SessionState, History] | None":
        """Return the state one step back and the history there, None where there is none."""
        past = list(self.past)
        while past:
            then = restored(now, past.pop())
            if key(then) != key(now):
                return then, History(tuple(past), (*self.future, now))
        return None

    def forward(self, now: SessionState, key: Key) -> "tuple[SessionState, History] | None":
        """Return the state one step forward and the history there, None where there is none."""
        found = History(self.future, self.past).back(now, key)
        if found is None:
            return None
        then, turned = found
        return then, History(turned.future, turned.past)


def restored(now: SessionState, then: SessionState) -> SessionState:
    """Return the state of now, looked at as it was then."""
    views = {file.number: file for file in then.files}
    files = tuple(_seen_as(file, views.get(file.number)) for file in now.files)
    still_open = any(file.number == then.current for file in files)
    return msgspec.structs.replace(
        now, files=files, current=then.current if still_open else now.current, page=then.page
    )


def _seen_as(file: FileView, then: FileView | None) -> FileView:
    if then is None or not then.tensor:
        return file
    return msgspec.structs.replace(file, tensor=then.tensor, plane=then.plane, spot=then.spot)
