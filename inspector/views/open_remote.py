"""Choose a checkpoint on another machine: a host, then folders as its core lists them."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from inspector.models import words
from sparse_core.messages import Entry, Folder

_SIZE = (640, 480)
_ENTRY = Qt.ItemDataRole.UserRole + 1


class OpenRemote(QDialog):
    """Asks for listings and tells what was chosen; knows no core."""

    folder_wanted = Signal(str, str)
    """Host and path."""
    chosen = Signal(str, str)
    """Host and path of a checkpoint, file or folder."""

    def __init__(self, hosts: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open on another machine")
        self.resize(*_SIZE)
        self.host = QComboBox()
        written = QLineEdit()
        self.host.setLineEdit(written)
        self.host.addItems(list(hosts))
        self.host.setAccessibleName("Host")
        written.setPlaceholderText("name or user@name, as ssh takes it")
        self.path = QLineEdit(placeholderText="empty is your home there")
        self.path.setAccessibleName("Path")
        self.list = QListWidget()
        self.list.setAccessibleName("Folder")
        self.list.setUniformItemSizes(True)
        self.said = QLabel("Your ssh configuration and keys are used; nothing is copied.")
        self.said.setProperty("tone", "dim")
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.up = QPushButton("Up")
        self.look = QPushButton("List")
        self.open_button = QPushButton("Open")
        self.open_button.setProperty("primary", True)
        self._folder: Folder | None = None
        self._build()
        self.look.clicked.connect(lambda *_: self._want(self.path.text()))
        self.up.clicked.connect(lambda *_: self._go_up())
        self.open_button.clicked.connect(lambda *_: self._open())
        self.path.returnPressed.connect(self._open)
        self.list.itemActivated.connect(self._on_activated)
        self.list.currentItemChanged.connect(self._on_current)
        written.returnPressed.connect(lambda: self._want(self.path.text()))

    @property
    def host_name(self) -> str:
        """The host as it is written now."""
        return self.host.currentText().strip()

    @Slot(object)
    def show_folder(self, folder: Folder) -> None:
        """List a folder."""
        self._folder = folder
        self.path.setText(folder.path)
        self.list.clear()
        for entry in folder.entries:
            item = QListWidgetItem(_line(entry))
            item.setData(_ENTRY, entry)
            font = item.font()
            font.setBold(entry.likely)
            item.setFont(font)
            self.list.addItem(item)
        more = f" and {folder.more:,} more" if folder.more else ""
        self.said.setText(f"{words.count(len(folder.entries), 'entry', 'entries')}{more}")
        self.up.setEnabled(bool(folder.parent))

    def show_sentence(self, sentence: str) -> None:
        """Say how it goes, or what is wrong."""
        self.said.setText(sentence)

    def _build(self) -> None:
        self.up.setEnabled(False)
        # Return belongs to the fields: it lists or opens what they say.
        for button in (self.up, self.look, self.open_button):
            button.setAutoDefault(False)
        form = QFormLayout()
        form.addRow("Host", self.host)
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(self.look)
        row.addWidget(self.up)
        form.addRow("Path", row)
        below = QHBoxLayout()
        below.addWidget(self.said, 1)
        below.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.addLayout(form)
        layout.addWidget(self.list, 1)
        layout.addLayout(below)

    def _want(self, path: str) -> None:
        if self.host_name:
            self.said.setText(f"Asking {self.host_name} …")
            self.folder_wanted.emit(self.host_name, path.strip())
        else:
            self.said.setText("Name a host first.")

    def _go_up(self) -> None:
        if self._folder is not None and self._folder.parent:
            self._want(self._folder.parent)

    def _below(self, entry: Entry) -> str:
        above = self._folder.path.rstrip("/") if self._folder is not None else ""
        return f"{above}/{entry.name}"

    def _on_current(self, item: QListWidgetItem | None, *_: object) -> None:
        if item is not None:
            self.path.setText(self._below(item.data(_ENTRY)))

    def _on_activated(self, item: QListWidgetItem) -> None:
        entry: Entry = item.data(_ENTRY)
        if entry.folder:
            self._want(self._below(entry))
        else:
            self._open()

    def _open(self) -> None:
        if self.host_name and self.path.text().strip():
            self.chosen.emit(self.host_name, self.path.text().strip())
        else:
            self._want(self.path.text())


def _line(entry: Entry) -> str:
    return f"{entry.name}/" if entry.folder else f"{entry.name}   {words.size(entry.bytes)}"
