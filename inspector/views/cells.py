"""Painters of the layer tree's cells: name and shape, pattern chip, density bar, broken, lights.

They ask a row only for what ``models.roles`` names. No state is told by colour alone: broken
groups are hatched, and each light has a form of its own (filled = yes, hollow = no, struck
through = violated, absent = no question).
"""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from inspector.models.roles import Column, Role
from inspector.theme import Theme, hatched, monospaced
from inspector.theme import points as scaled

Index = QModelIndex | QPersistentModelIndex

PADDING = 6
SHAPE_POINTS = 7.0
NUMBER_POINTS = 8.5
BAR_HEIGHT = 8
GLYPH = 12
LIGHT = 8
LIGHT_STEP = 15
_ABSENT, _YES, _NO, _VIOLATED = range(4)
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Cell(QStyledItemDelegate):
    """A cell with the tree's own ground and selection, and our own content."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def set_theme(self, theme: Theme) -> None:
        """Take another theme; the view has to be repainted by its owner."""
        self.theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the ground, then the content."""
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        styled.text = ""
        widget = styled.widget
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, styled, painter, widget)
        rect = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(rect)
        self.draw(painter, rect.adjusted(PADDING, 0, -PADDING, 0), index)
        painter.restore()

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw the content of a row into a box."""
        raise NotImplementedError

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two lines of text high, whatever the column: the rows are uniform."""
        hint = super().sizeHint(option, index)
        text = QFontMetrics(option.font).height()
        return QSize(hint.width(), text + QFontMetrics(_sized(option, SHAPE_POINTS)).height() + 6)


def _sized(option: QStyleOptionViewItem, points: float) -> QFont:
    font = QFont(option.font)
    font.setPointSizeF(scaled(points))
    return font


class NameCell(Cell):
    """The name, and below it the shape in small."""

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw one line for a group, two for a tensor."""
        name = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        shape = str(index.data(Role.SHAPE) or "")
        quiet = bool(index.data(Role.QUIET))
        painter.setPen(QColor(self.theme.dim if quiet else self.theme.text))
        metrics = painter.fontMetrics()
        elided = metrics.elidedText(name, Qt.TextElideMode.ElideLeft, int(box.width()))
        if not shape:
            painter.drawText(box, _LEFT, elided)
            return
        small = QFont(painter.font())
        small.setPointSizeF(scaled(SHAPE_POINTS))
        below = QFontMetrics(small).height()
        top = box.center().y() - (metrics.height() + below) / 2
        painter.drawText(QRectF(box.left(), top, box.width(), metrics.height()), _LEFT, elided)
        painter.setFont(small)
        painter.setPen(QColor(self.theme.dim))
        line = QRectF(box.left(), top + metrics.height() - 1, box.width(), below)
        painter.drawText(line, _LEFT, shape)


class PatternCell(Cell):
    """The pattern as a chip: green where it holds, amber where it is meant and broken."""

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw the chip; nothing for a row without a pattern."""
        pattern = str(index.data(Role.PATTERN) or "")
        if not pattern:
            return
        font = monospaced(NUMBER_POINTS)
        metrics = QFontMetrics(font)
        width = min(box.width(), metrics.horizontalAdvance(pattern) + 14.0)
        height = metrics.height() + 4.0
        chip = QRectF(box.left(), box.center().y() - height / 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.chip))
        painter.drawRoundedRect(chip, height / 2, height / 2)
        inks = {"sparse": self.theme.ok, "broken": self.theme.look}
        painter.setPen(QColor(inks.get(str(index.data(Role.CLASS) or ""), self.theme.text)))
        painter.setFont(font)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, pattern)


class DensityCell(Cell):
    """The share of kept weights as a bar; an empty cell while it is not known."""

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw the bar on its ground; grey where the row is no finding."""
        density = index.data(Role.DENSITY)
        if density is None:
            return
        ground = QRectF(box.left(), box.center().y() - BAR_HEIGHT / 2, box.width(), BAR_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.line))
        painter.drawRoundedRect(ground, BAR_HEIGHT / 2, BAR_HEIGHT / 2)
        kept = QRectF(ground)
        kept.setWidth(ground.width() * min(max(float(density), 0.0), 1.0))
        quiet = bool(index.data(Role.QUIET))
        painter.setClipRect(kept, Qt.ClipOperation.IntersectClip)
        painter.setBrush(QColor(self.theme.dim if quiet else self.theme.accent))
        painter.drawRoundedRect(ground, BAR_HEIGHT / 2, BAR_HEIGHT / 2)


class BrokenCell(Cell):
    """How many groups break the pattern, behind a hatched mark."""

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw mark and number, a dim 0 where nothing is broken."""
        broken = index.data(Role.BROKEN)
        if broken is None:
            return
        painter.setFont(monospaced(NUMBER_POINTS))
        if not broken:
            painter.setPen(QColor(self.theme.dim))
            painter.drawText(box.adjusted(GLYPH + 4, 0, 0, 0), _LEFT, "0")
            return
        bad = QColor(self.theme.bad)
        top = round(box.center().y() - GLYPH / 2) + 0.5
        mark = QRectF(round(box.left()) + 0.5, top, GLYPH - 3, GLYPH)
        hatched(painter, mark, bad)
        painter.setPen(bad)
        painter.drawText(box.adjusted(GLYPH + 4, 0, 0, 0), _LEFT, f"{broken:,}")


class LightsCell(Cell):
    """The four lights: zeros, pattern, packed, eligible, always in this order."""

    def draw(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Draw each light in its own place; an absent one leaves its place empty."""
        for place, state in enumerate(index.data(Role.LIGHTS) or ()):
            centre = QPointF(
                round(box.left()) + LIGHT / 2 + 1 + place * LIGHT_STEP, box.center().y()
            )
            self._light(painter, centre, state)

    def _light(self, painter: QPainter, centre: QPointF, state: int) -> None:
        if state == _ABSENT:
            return
        ink = QColor({_YES: self.theme.ok, _VIOLATED: self.theme.bad}.get(state, self.theme.dim))
        painter.setPen(QPen(ink, 1.3))
        painter.setBrush(ink if state == _YES else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, LIGHT / 2, LIGHT / 2)
        if state == _VIOLATED:
            reach = QPointF(LIGHT / 2 + 1.5, -LIGHT / 2 - 1.5)
            painter.drawLine(centre - reach, centre + reach)


def layer_delegates(theme: Theme, parent: QObject | None = None) -> dict[Column, Cell]:
    """Return who paints each column of the layer tree."""
    return {
        Column.LAYER: NameCell(theme, parent),
        Column.PATTERN: PatternCell(theme, parent),
        Column.DENSITY: DensityCell(theme, parent),
        Column.BROKEN: BrokenCell(theme, parent),
        Column.LIGHTS: LightsCell(theme, parent),
    }
