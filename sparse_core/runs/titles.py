"""What a job is called and how much it has before it, from its folder alone."""

from pathlib import Path

import msgspec

from sparse_core.errors import RunError
from sparse_core.runs.config import read_config
from sparse_core.runs.events import Started
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.known import Known
from sparse_core.runs.reader import whole_lines
from sparse_core.runs.sweeps import read_plan


class Title(msgspec.Struct, frozen=True):
    """How a job is listed. ``total`` is in steps, -1 unknown; ``started`` wall clock, 0 unknown."""

    text: str
    method: str = ""
    pattern: str = ""
    total: int = -1
    started: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether the folder has told everything that it will ever tell."""
        return self.total >= 0


def title_of(folder: Path, known: Known | None = None) -> Title:
    """Name a job."""
    if known is not None and known.kind != "train":
        source = Path(known.source).name or folder.name
        plan = read_plan(folder)
        total = -1 if plan is None else len(plan.runs)
        title = known.title or f"{known.kind} {source}"
        return Title(title, total=total, started=known.started)
    run = RunFolder(folder)
    total = _planned(run.events)
    try:
        config = read_config(run.config)
    except RunError:
        return Title(known.title if known and known.title else folder.name, total=total)
    pattern = config.pattern or ""
    words = [config.method, pattern, f"on {Path(config.task).name}"]
    text = " ".join(word for word in words if word)
    return Title(text, config.method, pattern, total, config.started)


def _planned(events: Path) -> int:
    """Give the steps that a run set out to do, as its first event says."""
    try:
        first = next(whole_lines(events), None)
    except OSError:
        return -1
    event = first[1] if first else None
    return event.steps if isinstance(event, Started) else -1
