"""How fast a training goes, over its last steps."""

from collections import deque

WINDOW = 50
"""Steps that are averaged over."""


class Speed:
    """A moving mean of examples and seconds."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def add(self, examples: int, seconds: float) -> None:
        """Count a step."""
        self._steps.append((examples, seconds))

    @property
    def samples_per_s(self) -> float | None:
        """Examples a second; None before the first step."""
        seconds = sum(one for _, one in self._steps)
        return round(sum(one for one, _ in self._steps) / seconds, 1) if seconds else None

    def left_s(self, steps: int) -> float | None:
        """Seconds that so many more steps will take."""
        if not self._steps:
            return None
        return round(steps * sum(one for _, one in self._steps) / len(self._steps), 2)
