"""The sign of what is broken: diagonal lines, so that red never stands alone."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

_STEP = 4.5


def hatched(painter: QPainter, box: QRectF, ink: QColor) -> None:
    """Draw a box of diagonal lines."""
    painter.save()
    painter.setPen(QPen(ink, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, 1.5, 1.5)
    painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
    shift = -box.height()
    while shift < box.width():
        start = QPointF(box.left() + shift, box.bottom())
        painter.drawLine(start, start + QPointF(box.height(), -box.height()))
        shift += _STEP
    painter.restore()
