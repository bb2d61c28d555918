"""What the commands of the page do."""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from inspector.models.problem import Problem
from inspector.models.speed_cards import csv_of
from sparse_core.messages.speed import SpeedWanted

if TYPE_CHECKING:
    from inspector.pages.speed.page import SpeedPage


class Acts(QObject):
    """Carries out commands on the page."""

    def __init__(self, page: "SpeedPage") -> None:
        super().__init__(page)
        self._page = page
        self._do: dict[str, Callable[[], None]] = {
            "speed.run": page.run,
            "speed.stop": page.cancel,
            "speed.cards": partial(page.show_as, "cards"),
            "speed.table": partial(page.show_as, "table"),
            "speed.beside": self._beside,
            "speed.alone": lambda: page.change(beside=""),
            "speed.json": partial(self._ask_file, "speed.jsonl", self.save_rows),
            "speed.csv": partial(self._ask_file, "speed.csv", self.save_csv),
            "speed.picture": partial(self._ask_file, "speed.png", self.save_picture),
            "speed.command": lambda: _copy(command_text(page.wanted)),
            "speed.python": lambda: _copy(python_text(page.wanted)),
        }

    @property
    def known(self) -> tuple[str, ...]:
        """The commands that can be carried out."""
        return tuple(self._do)

    def act(self, command: str) -> None:
        """Carry out a command."""
        self._do[command]()

    def _beside(self) -> None:
        dialog = QFileDialog(self._page, "Rows of speed --json from another machine")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._page.change(beside=path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_file(self, name: str, write: Callable[[str], None]) -> None:
        dialog = QFileDialog(self._page, "Save the speed test")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.fileSelected.connect(write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_rows(self, path: str) -> None:
        """Write the rows as ``speed --json`` does."""
        lines = [msgspec.json.encode(row) + b"\n" for row in self._page.feed.rows]
        self._write(path, b"".join(lines))

    def save_csv(self, path: str) -> None:
        """Write the rows as a table."""
        self._write(path, csv_of(self._page.feed.result).encode())

    def save_picture(self, path: str) -> None:
        """Save what is on the page."""
        if not self._page.grab().save(path, "PNG"):
            self._page.problem_found.emit(Problem(f"{path} cannot be written.", where=path))

    def _write(self, path: str, content: bytes) -> None:
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            sentence = f"{path} cannot be written: {error.strerror}."
            self._page.problem_found.emit(Problem(sentence, where=path))


def command_text(wanted: SpeedWanted) -> str:
    """Return the command line that times the same."""
    words = ["sparsescope", "speed", *([wanted.path] if wanted.path else [])]
    for shape in wanted.shapes:
        words += ["--shape", shape]
    if wanted.shapes:
        words += ["--pattern", ",".join(wanted.patterns)]
    if wanted.path and wanted.layers != "*":
        words += ["--layers", wanted.layers]
    words += ["--batch", ",".join(map(str, wanted.batches))]
    if wanted.dtype:
        words += ["--dtype", wanted.dtype]
    words += ["--device", wanted.device, "--threads", str(wanted.threads)]
    return shlex.join(words)


def python_text(wanted: SpeedWanted) -> str:
    """Return Python that runs the same command and reads its rows."""
    words = [*shlex.split(command_text(wanted))[1:], "--json"]
    return (
        "import json, subprocess, sys\n\n"
        f"words = {words!r}\n"
        'said = subprocess.run([sys.executable, "-m", "sparse_core", *words], '
        "capture_output=True, check=True)\n"
        "rows = [json.loads(line) for line in said.stdout.splitlines()]\n"
    )


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
