"""The filter of the layers: a line of conditions, its chips, what is wrong with it, saved views."""

from functools import partial

from PySide6.QtCore import QStringListModel, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from inspector.models.layer_query import completions, words_of
from sparse_core.errors import SparseError
from sparse_core.messages.query import Query, explained, parse

TYPING_MS = 60
LEAST_LETTERS = 2
"""So many letters of a field are typed before its name is offered."""
MOST_CHIPS = 6


class FilterLine(QLineEdit):
    """The line itself; Down goes to the layers, Escape empties it, field names are offered."""

    left_downwards = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Filter: attn  kind:linear  bad>0")
        self.setAccessibleName("Filter layers")
        self.setToolTip(explained())
        self.setClearButtonEnabled(True)
        self._offers = QStringListModel(self)
        self._completer = QCompleter(self._offers, self)
        self._completer.setWidget(self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.activated.connect(self._take_offer)
        self.textEdited.connect(self._offer)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave by Down, empty by Escape."""
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    @Slot(str)
    def _offer(self, text: str) -> None:
        last = text.rpartition(" ")[2]
        offers = completions(text) if len(last) >= LEAST_LETTERS else []
        self._offers.setStringList(offers)
        popup = self._completer.popup()
        if offers:
            self._completer.complete()
        elif popup is not None:
            popup.hide()

    @Slot(str)
    def _take_offer(self, offer: str) -> None:
        before, space, last = self.text().rpartition(" ")
        self.setText(f"{before}{space}{'-' if last.startswith('-') else ''}{offer}")


class FilterBox(QWidget):
    """Turns text into a query; one that makes no sense leaves the last one in force."""

    query_changed = Signal(object)
    """A ``Query``."""
    views_changed = Signal(object)
    """The saved views, as a tuple of texts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._views: tuple[str, ...] = ()
        self.line = FilterLine()
        self.shown = QLabel()
        self.shown.setProperty("tone", "dim")
        self.views = QToolButton()
        self.views.setText("Views")
        self.views.setProperty("link", True)
        self.views.setAccessibleName("Saved views")
        self.views.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.views)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.views.setMenu(self.menu)
        self.error = QLabel()
        self.error.setProperty("tone", "dim")
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        self.error.setWordWrap(True)
        self.error.setAccessibleName("What is wrong with the filter")
        self.error.hide()
        self._chips = QWidget()
        self._chip_row = QHBoxLayout(self._chips)
        self._chip_row.setContentsMargins(0, 0, 0, 0)
        self._chip_row.setSpacing(4)
        self._chips.hide()
        self._arrange()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self._on_rested)
        self.line.textChanged.connect(lambda *_: self._typing.start())

    @property
    def chips(self) -> tuple[str, ...]:
        """The conditions in force, as they were written."""
        buttons = self._chips.findChildren(QPushButton)
        return tuple(button.property("word") for button in buttons)

    def set_views(self, views: tuple[str, ...]) -> None:
        """Offer saved views."""
        self._views = views

    def set_counts(self, shown: int, listed: int) -> None:
        """Say how many rows are shown."""
        self.shown.setText(f"{shown:,}" if shown == listed else f"{shown:,} of {listed:,}")

    # ------------------------------------------------------------ inside

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        for widget, stretch in ((self.line, 1), (self.shown, 0), (self.views, 0)):
            top.addWidget(widget, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.error)
        layout.addWidget(self._chips)

    @Slot()
    def _on_rested(self) -> None:
        text = self.line.text()
        try:
            query = parse(text)
        except SparseError as error:
            self.error.setText(str(error))
            self.error.show()
            return
        self.error.hide()
        self._show_chips(text.split(), query)
        self.query_changed.emit(query)

    def _show_chips(self, written: list[str], query: Query) -> None:
        for old in self._chips.findChildren(QPushButton):
            old.setParent(None)
            old.deleteLater()
        while self._chip_row.count():
            self._chip_row.takeAt(0)
        conditions = [
            (word, term)
            for word, term in zip(written, query.terms, strict=True)
            if term.field != "text"
        ]
        for word, term in conditions[:MOST_CHIPS]:
            chip = QPushButton(f"{word}  ×".replace("&", "&&"))
            chip.setProperty("word", word)
            chip.setToolTip(f"{words_of(term)}\nClick to remove")
            chip.setAccessibleName(f"Remove {word}")
            chip.clicked.connect(partial(self._remove, word))
            self._chip_row.addWidget(chip)
        self._chip_row.addStretch(1)
        self._chips.setVisible(bool(conditions))

    def _remove(self, word: str, *_: object) -> None:
        left = self.line.text().split()
        left.remove(word)
        self.line.setText(" ".join(left))
        self.line.setFocus()

    @Slot()
    def _fill_menu(self) -> None:
        self.menu.clear()
        text = " ".join(self.line.text().split())
        save = self.menu.addAction("Save this filter")
        save.setEnabled(bool(text) and text not in self._views)
        save.triggered.connect(lambda *_: self._change_views((*self._views, text)))
        if text in self._views:
            forget = self.menu.addAction("Forget this filter")
            forget.triggered.connect(
                lambda *_: self._change_views(tuple(v for v in self._views if v != text))
            )
        self.menu.addSeparator()
        for view in self._views:
            action = self.menu.addAction(view.replace("&", "&&"))
            action.triggered.connect(partial(self._choose_view, view))

    def _choose_view(self, view: str, *_: object) -> None:
        self.line.setText(view)

    def _change_views(self, views: tuple[str, ...]) -> None:
        self._views = views
        self.views_changed.emit(views)
