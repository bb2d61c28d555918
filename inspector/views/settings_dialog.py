"""The settings, each in force as soon as it is made."""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from inspector.models import words
from inspector.settings import HOST, SCALES, Settings
from inspector.theme import monospaced
from sparse_core.messages import CacheHeld

_WIDTH = 640
_MOST_THREADS = 64
_THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}


class SettingsDialog(QDialog):
    """Shows settings and tells of every change."""

    changed = Signal(object)
    """The whole ``Settings`` after a change."""
    clear_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(_WIDTH)
        self._settings = Settings()
        self.theme = QComboBox()
        for name, title in _THEMES.items():
            self.theme.addItem(title, name)
        self.scale = QComboBox()
        for percent in SCALES:
            self.scale.addItem(f"{percent} %", percent)
        self.threshold = QLineEdit()
        self.threads = QSpinBox(minimum=0, maximum=_MOST_THREADS)
        self.threads.setSpecialValueText("as many as fit")
        self.cache = QCheckBox("Keep what was found for the next time")
        self.held = QLabel()
        self.held.setProperty("tone", "dim")
        self.clear = QPushButton("Empty the cache")
        self.runs = QLineEdit(placeholderText="the current folder")
        self.python = QLineEdit(placeholderText="the one that runs the core")
        self.ssh = QLineEdit()
        self.hosts = QPlainTextEdit()
        self.hosts.setPlaceholderText("gpu1 = ssh -T HOST /opt/venv/bin/sparsescope serve")
        self.hosts.setTabChangesFocus(True)
        self.hosts.setFixedHeight(70)
        for field in (self.ssh, self.hosts):
            field.setFont(monospaced())
        self.complaint = QLabel()
        self.complaint.setProperty("tone", "bad")
        self.complaint.setWordWrap(True)
        self.complaint.setTextFormat(Qt.TextFormat.PlainText)
        self._build()
        self._connect()

    def show_settings(self, settings: Settings) -> None:
        """Show these settings; tells of no change."""
        self._settings = settings
        self.complaint.clear()
        widgets = (self.theme, self.scale, self.threads, self.cache, self.hosts)
        blockers = [QSignalBlocker(widget) for widget in widgets]
        self.theme.setCurrentIndex(self.theme.findData(settings.theme))
        self.scale.setCurrentIndex(self.scale.findData(settings.scale))
        self.threads.setValue(settings.threads)
        self.cache.setChecked(settings.cache)
        if not self.hosts.hasFocus():
            lines = [f"{host} = {command}" for host, command in settings.hosts.items()]
            self.hosts.setPlainText("\n".join(lines))
        del blockers
        self.threshold.setText(f"{settings.threshold:g}")
        self.runs.setText(settings.runs_folder)
        self.python.setText(settings.python)
        self.ssh.setText(settings.ssh)
        self.ssh.setCursorPosition(0)

    def show_cache(self, held: CacheHeld) -> None:
        """Say how much the cache of this machine holds."""
        self.held.setText(f"{words.count(held.entries, 'result')}, {words.size(held.bytes)}")
        self.held.setToolTip(held.folder)

    def show_complaint(self, sentence: str) -> None:
        """Say what is wrong with what was entered."""
        self.complaint.setText(sentence)

    def _build(self) -> None:
        cache = QHBoxLayout()
        cache.addWidget(self.held, 1)
        cache.addWidget(self.clear)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Theme", self.theme),
            ("Size of text", self.scale),
            ("Near zero below", self.threshold),
            ("Threads of a scan", self.threads),
            ("Cache", self.cache),
        )
        later: tuple[tuple[str, QWidget], ...] = (
            ("Folder of runs", self.runs),
            ("Python for training", self.python),
            ("Command to a host", self.ssh),
            ("Single hosts", self.hosts),
        )
        for title, field in rows:
            form.addRow(title, field)
            field.setAccessibleName(title)
        form.addRow("", cache)
        for title, field in later:
            form.addRow(title, field)
            field.setAccessibleName(title)
        self.ssh.setToolTip(f"The word {HOST} stands for the name of the machine.")
        self.hosts.setToolTip("One a line: NAME = COMMAND")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.addLayout(form)
        layout.addWidget(self.complaint)
        layout.addWidget(buttons)

    def _connect(self) -> None:
        self.theme.currentIndexChanged.connect(
            lambda *_: self._change(theme=self.theme.currentData())
        )
        self.scale.currentIndexChanged.connect(
            lambda *_: self._change(scale=self.scale.currentData())
        )
        self.threads.valueChanged.connect(lambda value: self._change(threads=value))
        self.cache.toggled.connect(lambda on: self._change(cache=on))
        self.threshold.editingFinished.connect(self._on_threshold)
        self.hosts.textChanged.connect(self._on_hosts)
        self.clear.clicked.connect(lambda *_: self.clear_wanted.emit())
        fields: tuple[tuple[QLineEdit, str], ...] = (
            (self.runs, "runs_folder"),
            (self.python, "python"),
        )
        for field, name in fields:
            field.editingFinished.connect(self._taker(field, name))
        self.ssh.editingFinished.connect(self._on_ssh)

    def _taker(self, field: QLineEdit, name: str) -> Callable[[], None]:
        return lambda: self._change(**{name: field.text().strip()})

    def _change(self, **fields: object) -> None:
        self.complaint.clear()
        settings = msgspec.structs.replace(self._settings, **fields)
        if settings != self._settings:
            self._settings = settings
            self.changed.emit(settings)

    def _on_threshold(self) -> None:
        try:
            value = float(self.threshold.text())
        except ValueError:
            value = -1.0
        if 0 <= value < float("inf"):
            self._change(threshold=value)
        else:
            self.show_complaint(f"{self.threshold.text()!r} is no threshold: write 0 or 1e-6.")

    def _on_ssh(self) -> None:
        self._change_command(ssh=self.ssh.text().strip() or Settings().ssh)

    def _on_hosts(self) -> None:
        hosts: dict[str, str] = {}
        for line in self.hosts.toPlainText().splitlines():
            host, equals, command = (part.strip() for part in line.partition("="))
            if line.strip() and not (host and equals and command):
                self.show_complaint(f"{line.strip()!r} names no command: write NAME = COMMAND.")
                return
            if host:
                hosts[host] = command
        self._change_command(hosts=hosts)

    def _change_command(self, **fields: object) -> None:
        """Take a command over that can be split into words."""
        settings = msgspec.structs.replace(self._settings, **fields)
        try:
            for host in ("", *settings.hosts):
                settings.command_for(host)
        except ValueError as error:
            self.show_complaint(f"This is no command: {error}.")
            return
        self._change(**fields)
