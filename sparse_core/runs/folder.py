"""The names inside a run folder. Nobody else spells them."""

import re
import shutil
from pathlib import Path

import msgspec

SUFFIX = ".safetensors"
_STEP = re.compile(r"step-(\d{8,})(?:\.safetensors)?")


def step_name(step: int) -> str:
    """Name a step so that names sort like numbers: ``step-00000100``."""
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """Give the step that a file or folder name stands for, None if it is no such name."""
    match = _STEP.fullmatch(name)
    return int(match[1]) if match else None


class RunFolder(msgspec.Struct, frozen=True):
    """Where the parts of a run lie.

    Parameters
    ----------
    root : Path
        The folder itself. Nothing here looks whether it exists, except ``steps`` and ``make``.
    """

    root: Path

    @property
    def config(self) -> Path:
        """What repeats the run: ``run.json``."""
        return self.root / "run.json"

    @property
    def events(self) -> Path:
        """What happened, one line each: ``events.jsonl``."""
        return self.root / "events.jsonl"

    @property
    def status(self) -> Path:
        """Who is at work, with a heartbeat: ``status.json``."""
        return self.root / "status.json"

    @property
    def control(self) -> Path:
        """What the run is wanted to do: ``control.json``."""
        return self.root / "control.json"

    @property
    def log(self) -> Path:
        """Standard output and error of a started job: ``log.txt``, never parsed."""
        return self.root / "log.txt"

    @property
    def masks(self) -> Path:
        """Folder of packed masks."""
        return self.root / "masks"

    @property
    def state(self) -> Path:
        """Folder of optimizer states."""
        return self.root / "state"

    @property
    def checkpoints(self) -> Path:
        """Folder of weights."""
        return self.root / "checkpoints"

    def mask(self, step: int) -> Path:
        """Packed masks of one step."""
        return self.masks / f"{step_name(step)}{SUFFIX}"

    def state_of(self, step: int) -> Path:
        """Optimizer state of one step."""
        return self.state / f"{step_name(step)}{SUFFIX}"

    def checkpoint(self, step: int) -> Path:
        """Weights of one step: the distributed folder where there is one, else the file."""
        sharded = self.checkpoints / step_name(step)
        return sharded if sharded.is_dir() else self.checkpoints / f"{step_name(step)}{SUFFIX}"

    def make(self) -> None:
        """Create the folder and its parts."""
        for part in (self.masks, self.state, self.checkpoints):
            part.mkdir(parents=True, exist_ok=True)

    def remove(self, path: Path) -> None:
        """Remove a file or a distributed checkpoint's folder; what is gone already is fine."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def steps(self, part: Path) -> list[int]:
        """List the steps for which ``part`` (masks, state or checkpoints) has a file, ascending."""
        if not part.is_dir():
            return []
        found = (step_of(entry.name) for entry in part.iterdir())
        return sorted({step for step in found if step is not None})
