"""What repeats a run: ``run.json``."""

from pathlib import Path
from typing import Any

import msgspec

from sparse_core.errors import RunError
from sparse_core.runs.atomic import replace_file

FORMAT = 1
"""Raised when a run folder changes in a way that an older program cannot read."""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to do it again.

    ``options`` are those of every training, ``method_options`` and ``task_options`` those of the
    chosen ones. ``versions`` name the program, Python and the libraries; ``commit`` the state of
    the git checkout it ran in ("" outside one, "+" at its end where files were changed).
    """

    format: int = FORMAT
    task: str
    method: str
    pattern: str | None
    axis: str
    options: dict[str, Any] = {}
    method_options: dict[str, Any] = {}
    task_options: dict[str, Any] = {}
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    processes: int = 1
    versions: dict[str, str] = {}
    command: tuple[str, ...] = ()
    commit: str = ""
    started: float = 0.0


def write_config(path: Path, config: RunConfig) -> None:
    """Write ``run.json``, indented for people."""
    replace_file(path, [msgspec.json.format(msgspec.json.encode(config), indent=2), b"\n"])


def read_config(path: Path) -> RunConfig:
    """Read ``run.json``.

    Raises
    ------
    RunError
        If it is missing, damaged, or of a newer program.
    """
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path.parent} is no run folder: {path.name} cannot be read.") from error
    except msgspec.DecodeError as error:
        raise RunError(f"{path} is damaged ({error}); the run cannot be resumed.") from error
    made_by = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(made_by, int) and made_by > FORMAT:
        raise RunError(
            f"{path.parent} was written by a newer program (format {made_by}, this one reads "
            f"{FORMAT}). Update Sparsescope to open it."
        )
    try:
        return msgspec.convert(raw, RunConfig)
    except msgspec.ValidationError as error:
        raise RunError(f"{path} is damaged ({error}); the run cannot be resumed.") from error
