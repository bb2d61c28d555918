"""The search: one field, and below it what was found, best first."""

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from inspector.models.search_results import Result, ResultModel, ResultRole
from inspector.theme import Theme
from inspector.views.panel import Panel

WIDTH = 640
_HEIGHT = 420
_TOP = 6
_ROOM = 40
_PAD = 10.0
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class _Painter(QStyledItemDelegate):
    """Draws a result on one line: title, what it belongs to, shortcut or shape."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        """Give every result the same height."""
        return QSize(100, round(option.fontMetrics.height() * 1.9))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a result."""
        result: Result = index.data(ResultRole.RESULT)
        area = QRectF(option.rect).adjusted(_PAD, 0, -_PAD, 0)
        font: QFont = option.font
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.theme.selection))
            painter.drawRoundedRect(QRectF(option.rect), 4, 4)
        metrics = QFontMetricsF(font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(font)
        painter.setPen(QColor(self.theme.dim))
        painter.drawText(area, right, result.beside)
        area.setRight(area.right() - metrics.horizontalAdvance(result.beside) - 2 * _PAD)
        left = self._title(painter, area, result, font)
        note = area.adjusted(left + 2 * _PAD, 0, 0, 0)
        painter.setFont(font)
        painter.setPen(QColor(self.theme.dim))
        text = metrics.elidedText(result.note, Qt.TextElideMode.ElideRight, max(note.width(), 0))
        painter.drawText(note, right, text)
        painter.restore()

    def _title(self, painter: QPainter, area: QRectF, result: Result, font: QFont) -> float:
        """Draw the title, its fitting letters bold in the accent; return its width."""
        bold = QFont(font)
        bold.setBold(True)
        fits = set(result.places)
        plain = QColor(self.theme.text if result.possible else self.theme.dim)
        at = 0.0
        for text, fitting in _runs(result.title, fits):
            painter.setFont(bold if fitting else font)
            painter.setPen(QColor(self.theme.accent) if fitting and result.possible else plain)
            line = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area.adjusted(at, 0, 0, 0), line, text)
            at += QFontMetricsF(painter.font()).horizontalAdvance(text)
        return at


def _runs(title: str, fits: set[int]) -> list[tuple[str, bool]]:
    """Split a title into stretches that fit and that do not."""
    runs: list[tuple[str, bool]] = []
    for place, letter in enumerate(title):
        fitting = place in fits
        if runs and runs[-1][1] == fitting:
            runs[-1] = (runs[-1][0] + letter, fitting)
        else:
            runs.append((letter, fitting))
    return runs


class Palette(Panel):
    """Lies over the window; goes with Escape, a choice, or when the keyboard goes elsewhere."""

    typed = QtSignal(str)
    chosen = QtSignal(object)
    """A ``Result`` that is possible."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__("", parent)
        self.setAccessibleName("Search")
        self.setAutoFillBackground(True)
        self._before: QWidget | None = None
        self.field = QLineEdit()
        self.field.setAccessibleName("Search")
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self.typed)
        self.model = ResultModel(self)
        self.list = QListView()
        self.list.setAccessibleName("Found")
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(lambda *_: self.choose())
        self._painter = _Painter(theme, self)
        self.list.setItemDelegate(self._painter)
        self.hint = QLabel()
        self.hint.setProperty("tone", "dim")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        for widget in (self.field, self.list, self.hint):
            self.body.addWidget(widget)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._painter.theme = theme
        self.list.viewport().update()

    def open(self, text: str, placeholder: str) -> None:
        """Show the field with a text in it, in the middle of the window's top."""
        around = self.parentWidget() or self
        width = min(WIDTH, around.width() - _ROOM)
        self.setGeometry((around.width() - width) // 2, _TOP, width, self.height())
        if not self.isVisible():
            self._before = self.window().focusWidget()
        self.field.setPlaceholderText(placeholder)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        if self.field.text() == text:
            self.typed.emit(text)
        self.field.setText(text)

    def show_results(self, results: list[Result], nothing: str) -> None:
        """Show what was found, or say that it was nothing."""
        self.model.show(results)
        self.list.setCurrentIndex(self.model.index(0))
        self._fit()
        self.hint.setText(f"{len(results):,} found · Enter chooses" if results else nothing)

    def _fit(self) -> None:
        """Be as high as what was found, up to a limit."""
        row = self.list.sizeHintForRow(0) if self.model.rowCount() else 0
        room = min(_HEIGHT, (self.parentWidget() or self).height() - 4 * _ROOM)
        self.list.setFixedHeight(min(row * self.model.rowCount() + _TOP, room))
        layout = self.layout()
        if layout is not None:
            layout.activate()
        self.resize(self.width(), self.minimumSizeHint().height())

    def choose(self) -> None:
        """Choose the result in front, if it is possible."""
        result = self.list.currentIndex().data(ResultRole.RESULT)
        if result is None or not result.possible:
            return
        self.leave()
        self.chosen.emit(result)

    def leave(self) -> None:
        """Go away; the keyboard goes back to where it was."""
        if not self.isVisible():
            return
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the field move through the results; leave when it loses the keyboard."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._on_key(event)
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            self._before = None
            self.leave()
        return super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in _MOVES:
            row = self.list.currentIndex().row()
            step = {_MOVES[0]: -1, _MOVES[1]: 1, _MOVES[2]: -10, _MOVES[3]: 10}[key]
            place = min(max(row + step, 0), self.model.rowCount() - 1)
            self.list.setCurrentIndex(self.model.index(place))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose()
        elif key == Qt.Key.Key_Escape:
            self.leave()
        else:
            return False
        return True
