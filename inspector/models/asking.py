"""What the models and pages need of the link to the core: to ask, and to take back."""

from collections.abc import Callable
from typing import Protocol

from sparse_core.messages import Answer, Request

OnAnswer = Callable[[Answer], None]


class Asker(Protocol):
    """Asks the core; answers come later, in the window's own loop."""

    def ask(self, body: Request, on_answer: OnAnswer | None = None) -> int:
        """Send a request; ``on_answer`` is called for every answer. Returns the call's number."""
        ...

    def cancel(self, call: int) -> None:
        """Stop a call; its last answer is ``Stopped``."""
        ...
