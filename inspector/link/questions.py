"""The questions that are open, so that they can be asked again when the core dies."""

from collections.abc import Callable

import msgspec

from sparse_core.messages import Answer, Call, Failed, FileId, Request

LIVES = 2
"""A question that was in flight at so many deaths is not asked again."""

OnAnswer = Callable[[Answer], None]

_TWICE = (
    "The core died twice while it worked on {path}; it is not tried again by itself. The file may "
    "have been cut short while it was read: check it, then open it again."
)


class Question(msgspec.Struct):
    """A call and who waits for it. Changes as it goes.

    Attributes
    ----------
    call : Call
    on_answer : callable or None
    sent : bool
        Whether the core that runs now has it.
    deaths : int
        How many cores died while they had it.
    """

    call: Call
    on_answer: OnAnswer | None
    sent: bool = False
    deaths: int = 0

    @property
    def path(self) -> str:
        """The file it is about, "" for none."""
        file = getattr(self.call.body, "file", None)
        return file.path if isinstance(file, FileId) else ""

    def fail(self, sentence: str, kind: str) -> None:
        """Answer what the core will never answer."""
        if self.on_answer is not None:
            self.on_answer(Answer(self.call.id, Failed(sentence, kind), last=True))


class Questions:
    """All open questions, in the order in which they were asked."""

    def __init__(self) -> None:
        self._open: dict[int, Question] = {}

    def __len__(self) -> int:
        """Count them."""
        return len(self._open)

    def add(self, number: int, body: Request, on_answer: OnAnswer | None) -> Question:
        """Note a new question."""
        question = Question(Call(number, body), on_answer)
        self._open[number] = question
        return question

    def due(self) -> list[Question]:
        """Give those to send now.

        Questions that a core died with are asked again one file at a time, so that the file that
        kills a core is not marked together with others.
        """
        suspects = [question for question in self._open.values() if question.deaths]
        suspected = suspects[0].path if suspects else ""
        return [
            question
            for question in self._open.values()
            if not question.sent and (not question.deaths or question.path in ("", suspected))
        ]

    def answered(self, answer: Answer) -> OnAnswer | None:
        """Find who waits for an answer; the last one closes the question."""
        question = self._open.get(answer.id)
        if answer.last:
            self._open.pop(answer.id, None)
        return None if question is None else question.on_answer

    def core_died(self, *, blamed: bool = True) -> list[Question]:
        """Take back what the core had; give those that are not asked again.

        Where the line broke and not the core, no question is to blame.
        """
        lost = []
        for question in list(self._open.values()):
            if question.sent:
                question.sent = False
                question.deaths += blamed
            if question.deaths >= LIVES:
                lost.append(self._open.pop(question.call.id))
        return lost

    def drop_all(self) -> list[Question]:
        """Give up on everything."""
        dropped = list(self._open.values())
        self._open.clear()
        return dropped


def twice(path: str) -> str:
    """Say that a file is not asked about a third time."""
    return _TWICE.format(path=path or "this question")
