"""A command of the user, and what decides whether it is possible now."""

from collections.abc import Callable

import msgspec

from inspector.page_names import PAGES

_NO_STEP = {
    "back": "This is where you began.",
    "forward": "You have not gone back.",
    "undo": "The view was not changed.",
    "redo": "Nothing was undone.",
}


class Situation(msgspec.Struct, frozen=True):
    """What decides whether a command is possible.

    Attributes
    ----------
    page : str
        The page in front.
    files : int
        Open checkpoints.
    tensor : bool
        A layer is chosen.
    rows : int
        Layers listed.
    working : bool
        Something long is running.
    problems : int
        Problems shown.
    broken : bool
        Some group breaks its pattern.
    back, forward, undo, redo : bool
        There is a step of that kind.
    facts : frozenset of str
        What the page in front says of itself, in its own words.
    """

    page: str = "weights"
    files: int = 0
    tensor: bool = False
    rows: int = 0
    working: bool = False
    problems: int = 0
    broken: bool = False
    back: bool = False
    forward: bool = False
    undo: bool = False
    redo: bool = False
    facts: frozenset[str] = frozenset()


WhyNot = Callable[[Situation], str]
"""Why a command is impossible now; "" where it is possible."""


class Command(msgspec.Struct, frozen=True):
    """One thing the user can do.

    Attributes
    ----------
    id : str
        Stable name, ``menu.verb``; macros and tests use it.
    title : str
        What menus say.
    menu : str
        One of ``MENUS``.
    shortcuts : tuple of str
        Key sequences in Qt's portable form, the first is shown.
    condition : callable
        Says why it is impossible now, on its page.
    checkable : bool
        Whether it switches something on and off.
    page : str
        The page whose command it is, "" for one of the window; two pages may share a key.
    """

    id: str
    title: str
    menu: str
    shortcuts: tuple[str, ...] = ()
    condition: WhyNot = lambda _: ""
    checkable: bool = False
    page: str = ""

    def why_not(self, now: Situation) -> str:
        """Say why it is impossible now; "" where it is possible."""
        if self.page and self.page != now.page:
            return f"This belongs to the {PAGES[self.page]} page."
        return self.condition(now)


def on_page(page: str, *commands: Command) -> tuple[Command, ...]:
    """Return the commands as those of one page."""
    return tuple(msgspec.structs.replace(command, page=page) for command in commands)


def needs_file(now: Situation) -> str:
    """Ask for an open checkpoint."""
    return "" if now.files else "Open a checkpoint first."


def needs_two_files(now: Situation) -> str:
    """Ask for two open checkpoints."""
    return "" if now.files > 1 else "Only one checkpoint is open."


def needs_rows(now: Situation) -> str:
    """Ask for listed layers."""
    return "" if now.rows else "No layers are listed yet."


def needs_tensor(now: Situation) -> str:
    """Ask for a chosen layer."""
    return "" if now.tensor else "Choose a layer first."


def needs_work(now: Situation) -> str:
    """Ask for something that can be cancelled."""
    return "" if now.working else "Nothing is running."


def needs_problem(now: Situation) -> str:
    """Ask for a problem."""
    return "" if now.problems else "There is no problem to copy."


def needs_step(step: str) -> WhyNot:
    """Ask for somewhere to go."""

    def why_not(now: Situation) -> str:
        return "" if getattr(now, step) else _NO_STEP[step]

    return why_not


def needs_broken(now: Situation) -> str:
    """Ask for a broken group."""
    return "" if now.broken else "No group breaks its pattern here."


def needs_fact(fact: str, otherwise: str) -> WhyNot:
    """Ask for something that the page in front says of itself."""

    def why_not(now: Situation) -> str:
        return "" if fact in now.facts else otherwise

    return why_not
