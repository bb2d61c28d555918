"""A problem as the user is told of it."""

from typing import Literal

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, where, and what to do.

    Attributes
    ----------
    sentence : str
        The whole of it, in words of a colleague.
    severity : str
        ``error``: something could not be done. ``notice``: something to know or to do.
    where : str
        What it is about (a path); problems about the same thing replace one another.
    details : str
        More for a bug report: a traceback, the request.
    action : str
        Id of a command that helps, "" for none.
    """

    sentence: str
    severity: Literal["error", "notice"] = "error"
    where: str = ""
    details: str = ""
    action: str = ""

    @property
    def report(self) -> str:
        """All of it as text to paste."""
        return "\n".join(part for part in (self.sentence, self.where, self.details) if part)
