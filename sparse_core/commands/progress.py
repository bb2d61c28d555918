"""A thin progress bar with the time that is left."""

from types import TracebackType
from typing import Self, TextIO

from sparse_core.messages import Progress

_WIDTH = 24


class ProgressBar:
    """Draws progress on a terminal and wipes it at the end; draws nothing on None.

    Parameters
    ----------
    out : TextIO or None
        The terminal.
    """

    def __init__(self, out: TextIO | None) -> None:
        self._out = out
        self._drawn = 0

    def __enter__(self) -> Self:
        """Start with nothing drawn."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wipe the line."""
        self._draw("")

    def show(self, progress: Progress) -> None:
        """Draw how far it is."""
        share = progress.done / progress.total if progress.total else 1.0
        filled = round(share * _WIDTH)
        left = "" if progress.seconds_left is None else f" {progress.seconds_left:,.0f} s left"
        bar = "█" * filled + "░" * (_WIDTH - filled)
        self._draw(f"{bar} {100 * share:3.0f} %{left} {progress.doing}"[:78])

    def _draw(self, text: str) -> None:
        """Replace the line."""
        if self._out is None:
            return
        self._out.write("\r" + text.ljust(self._drawn) + ("" if text else "\r"))
        self._out.flush()
        self._drawn = len(text)
