"""What the user prefers, kept in one small file.

The file never blocks the start: what cannot be read falls back to the default, field by field,
and a damaged or newer file is kept beside the next one that is written.
"""

import contextlib
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec

VERSION = 1
MOST_RECENT = 12
RECENT_COMMANDS = 20
SCALES = (75, 90, 100, 110, 125, 150, 175, 200)
"""Sizes of text, in percent."""

HOST = "HOST"
"""Stands for the host in the command that reaches one."""

SSH = (
    "ssh -T -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=10 "
    "-o ServerAliveCountMax=3 HOST sparsescope serve"
)


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Preferences.

    Attributes
    ----------
    theme : str
        ``system``, ``dark`` or ``light``.
    scale : int
        Size of text in percent, one of ``SCALES``.
    threshold : float
        Non-zero weights below it count as near zeros.
    threads : int
        Threads of a scan on this machine, 0 for as many as the core thinks best.
    cache : bool
        Whether what was found is kept for the next time.
    runs_folder : str
        Where runs are written and looked for, "" for the current folder.
    python : str
        The interpreter that trains, "" for the core's own.
    ssh : str
        The command that starts a core on another machine; the word HOST stands for its name.
    hosts : dict of str to str
        Commands for single hosts, where ``ssh`` does not fit.
    recent : tuple of str
        Places (``PATH`` or ``HOST:PATH``), the latest first.
    recent_commands : tuple of str
        Ids of commands chosen in the search, the latest first.
    views : tuple of str
        Saved filters of the layers.
    hints : bool
        Whether the demo may lead by hints.
    kinds, axes : tuple of (name, value)
        What the user corrected, see ``ScanOptions``; the latest first.
    """

    theme: Literal["system", "dark", "light"] = "system"
    scale: int = 100
    threshold: float = 0.0
    threads: int = 0
    cache: bool = True
    runs_folder: str = ""
    python: str = ""
    ssh: str = SSH
    hosts: dict[str, str] = {}
    recent: tuple[str, ...] = ()
    recent_commands: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    hints: bool = True
    kinds: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, str], ...] = ()

    def opened(self, path: str) -> "Settings":
        """Return these settings with ``path`` as the most recent."""
        return msgspec.structs.replace(self, recent=_first(path, self.recent)[:MOST_RECENT])

    def forgot(self, path: str) -> "Settings":
        """Return these settings without ``path`` among the recent."""
        return msgspec.structs.replace(
            self, recent=tuple(known for known in self.recent if known != path)
        )

    def used(self, command: str) -> "Settings":
        """Return these settings with a command as the most recent one."""
        recent = _first(command, self.recent_commands)[:RECENT_COMMANDS]
        return msgspec.structs.replace(self, recent_commands=recent)

    def corrected(self, tensor: str, kind: str, axis: str) -> "Settings":
        """Return these settings with a layer's kind or axis corrected; "" leaves one as it is."""
        kinds, axes = self.kinds, self.axes
        if kind:
            kinds = ((tensor, kind), *_without(tensor, kinds))
        if axis:
            axes = ((tensor, axis), *_without(tensor, axes))
        return msgspec.structs.replace(self, kinds=kinds, axes=axes)

    def uncorrected(self, tensor: str) -> "Settings":
        """Return these settings with what was corrected of a layer taken back."""
        return msgspec.structs.replace(
            self, kinds=_without(tensor, self.kinds), axes=_without(tensor, self.axes)
        )

    def scaled(self, step: int) -> "Settings":
        """Return these settings with text ``step`` sizes larger; 0 is the usual size."""
        if not step:
            return msgspec.structs.replace(self, scale=100)
        nearest = min(range(len(SCALES)), key=lambda place: abs(SCALES[place] - self.scale))
        place = min(max(nearest + step, 0), len(SCALES) - 1)
        return msgspec.structs.replace(self, scale=SCALES[place])

    def command_for(self, host: str) -> tuple[str, ...]:
        """Return the argument vector that starts a core on a host.

        Raises
        ------
        ValueError
            If the command that is set has a quotation that never ends, or no word.
        """
        words = shlex.split(self.hosts.get(host, self.ssh))
        if not words:
            raise ValueError("the command is empty")
        return tuple(host if word == HOST else word for word in words)


def _without(name: str, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Leave out what is said of a name."""
    return tuple(pair for pair in pairs if pair[0] != name)


def _first(one: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Put one in front of the others."""
    return (one, *(other for other in others if other != one))


def _fields(content: dict[str, Any]) -> tuple[Settings, list[str]]:
    """Convert field by field, so that one bad value costs only itself."""
    good: dict[str, Any] = {}
    bad: list[str] = []
    for field in msgspec.structs.fields(Settings):
        if field.name not in content:
            continue
        try:
            good[field.name] = msgspec.convert(content[field.name], field.type)
        except msgspec.ValidationError:
            bad.append(field.name)
    return Settings(**good), bad


def _keep_aside(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.replace(path.with_name(path.name + ".kept"))


class SettingsFile:
    """Settings and the file they live in.

    Parameters
    ----------
    path : Path
        The file; it and its folder need not exist.

    Attributes
    ----------
    settings : Settings
        The value in force.
    notice : str
        A sentence for the user where the file could not be read as it is, else "".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._foreign = False
        self.settings, self.notice = self._read()

    def _read(self) -> tuple[Settings, str]:
        try:
            content = msgspec.json.decode(self._path.read_bytes())
        except FileNotFoundError:
            return Settings(), ""
        except (OSError, ValueError) as error:
            self._foreign = True
            return Settings(), f"The settings in {self._path} cannot be read ({error}): defaults."
        if not isinstance(content, dict):
            self._foreign = True
            return Settings(), f"The settings in {self._path} are damaged: defaults are used."
        settings, bad = _fields(content)
        version = content.get("version")
        if isinstance(version, int) and version > VERSION:
            self._foreign = True
            return settings, f"{self._path} is of a newer version: what is known of it is used."
        if bad:
            self._foreign = True
            return settings, f"Damaged settings in {self._path}: {', '.join(bad)}; defaults."
        return settings, ""

    def change(self, settings: Settings) -> str:
        """Put other settings in force and write them; return a sentence if that failed."""
        if settings == self.settings:
            return ""
        self.settings = settings
        if self._foreign:
            _keep_aside(self._path)
            self._foreign = False
        try:
            self._write()
        except OSError as error:
            return f"The settings cannot be written to {self._path}: {error.strerror}."
        return ""

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {"version": VERSION, **msgspec.to_builtins(self.settings)}
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text + b"\n")
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
