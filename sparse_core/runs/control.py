"""Steering a run from anywhere that sees its folder: ``control.json``."""

from pathlib import Path
from typing import Literal

import msgspec

from sparse_core.runs.atomic import replace_file

Wanted = Literal["run", "pause", "stop"]


class Control(msgspec.Struct, frozen=True):
    """What the run is wanted to do. Each change carries a higher number.

    Attributes
    ----------
    number : int
        Rises by one with each change; the run acts on what is higher than it has seen.
    wanted : {"run", "pause", "stop"}
        The state to be in. ``stop`` finishes the step, saves and ends well.
    knobs : dict
        Values to set by name: ``lambda``, ``lr``, ``freeze`` and whatever the method offers.
    steps_per_s : float or None
        Slow motion: at most so many steps a second.
    save : int
        Rises by one with each wish for a checkpoint now.
    """

    number: int = 0
    wanted: Wanted = "run"
    knobs: dict[str, float | bool] = {}
    steps_per_s: float | None = None
    save: int = 0


def read_control(path: Path) -> Control:
    """Read the wishes; none (or none that can be read) is a plain ``run``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Control)
    except (OSError, msgspec.DecodeError):
        return Control()


def steer(
    path: Path,
    *,
    wanted: Wanted | None = None,
    knobs: dict[str, float | bool] | None = None,
    steps_per_s: float | None = None,
    save: bool = False,
) -> Control:
    """Change some of the wishes and leave the others; returns what is wanted now.

    ``steps_per_s=0`` ends slow motion.
    """
    old = read_control(path)
    speed = old.steps_per_s if steps_per_s is None else (steps_per_s or None)
    new = Control(
        number=old.number + 1,
        wanted=wanted or old.wanted,
        knobs=old.knobs | (knobs or {}),
        steps_per_s=speed,
        save=old.save + save,
    )
    replace_file(path, [msgspec.json.encode(new)], durable=False)
    return new


class ControlWatch:
    """Look at ``control.json`` between steps: one ``stat`` a look while nothing changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0, 0)
        self.current = Control()

    def changed(self) -> Control | None:
        """Give the wishes if they are newer than what was given before, else None."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        identity = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if identity == self._seen:
            return None
        self._seen = identity
        control = read_control(self._path)
        if control.number <= self.current.number:
            return None
        self.current = control
        return control
