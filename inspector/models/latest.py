"""One question of a kind under way; of the wishes that come meanwhile only the last is kept.

What follows the mouse or a held key asks faster than anybody can answer. The core would drop the
older questions too, but a line to a far machine would carry them first.
"""

from collections.abc import Callable

from inspector.models.asking import Asker
from sparse_core.messages import Answer, Request

Take = Callable[[Answer], None]


class Latest:
    """Asks one question at a time.

    Parameters
    ----------
    link : Asker
        The way to the core.
    """

    def __init__(self, link: Asker) -> None:
        self._link = link
        self._token: object = None
        self._next: tuple[Request, Take] | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._token is not None

    def want(self, body: Request, take: Take) -> None:
        """Ask now, or when the question under way is answered."""
        if self._token is not None:
            self._next = body, take
            return
        token = self._token = object()

        def on_answer(answer: Answer) -> None:
            if token is not self._token:
                return
            if answer.last:
                self._token = None
            take(answer)
            if answer.last:
                self._go_on()

        self._link.ask(body, on_answer)

    def forget(self) -> None:
        """Drop what is asked and wished: whatever still comes is not wanted."""
        self._token, self._next = None, None

    def _go_on(self) -> None:
        if self._next is not None and self._token is None:
            following, self._next = self._next, None
            self.want(*following)
