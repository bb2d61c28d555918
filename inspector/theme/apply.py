"""Put a theme on the application: style, palette, fonts and the few rules a palette cannot say."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from inspector.theme.tokens import Theme

TEXT_POINTS = 9.0
_SCALE = "sparsescopeScale"
"""Property of the application: size of text in percent."""

_FAMILIES = {"text": ("DejaVu Sans", "Inter"), "mono": ("DejaVu Sans Mono", "Liberation Mono")}


def register_fonts(fonts: Sequence[bytes]) -> None:
    """Make bundled fonts known; one that cannot be read leaves the system's in use."""
    for font in fonts:
        QFontDatabase.addApplicationFontFromData(font)


def _first_known(names: Sequence[str], otherwise: QFontDatabase.SystemFont) -> str:
    known = set(QFontDatabase.families())
    return next(
        (name for name in names if name in known), QFontDatabase.systemFont(otherwise).family()
    )


def family() -> str:
    """Return the family of plain text."""
    return _first_known(_FAMILIES["text"], QFontDatabase.SystemFont.GeneralFont)


def monospaced(size: float = TEXT_POINTS) -> QFont:
    """Return the font of numbers, coordinates and groups."""
    font = QFont(_first_known(_FAMILIES["mono"], QFontDatabase.SystemFont.FixedFont))
    font.setPointSizeF(points(size))
    return font


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.background,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.chip,
        role.ToolTipBase: theme.chip,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.dim,
        role.Text: theme.text,
        role.Button: theme.chip,
        role.ButtonText: theme.text,
        role.BrightText: theme.bad,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.line,
        role.Midlight: theme.line,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Shadow: theme.background,
    }
    palette = QPalette()
    for where, name in colours.items():
        palette.setColor(where, QColor(name))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(theme.dim))
    return palette


def _rules(theme: Theme) -> str:
    """Return the style rules: shapes that a palette cannot say, and nothing else."""
    return f"""
    QToolTip {{ background: {theme.chip}; color: {theme.text}; border: 1px solid {theme.line};
        padding: 4px; }}
    QFrame[panel="true"] {{ background: {theme.panel}; border: 1px solid {theme.line};
        border-radius: 6px; }}
    QLabel[tone="dim"] {{ color: {theme.dim}; }}
    QLabel[tone="bad"] {{ color: {theme.bad}; }}
    QLineEdit {{ background: {theme.chip}; border: 1px solid {theme.chip}; border-radius: 6px;
        padding: 4px 8px; selection-background-color: {theme.accent};
        selection-color: {theme.on_accent}; }}
    QLineEdit:focus {{ border-color: {theme.accent}; }}
    QComboBox {{ background: {theme.chip}; border: 1px solid {theme.chip}; border-radius: 6px;
        padding: 4px 8px; }}
    QComboBox QLineEdit {{ background: transparent; border: 0; padding: 0; }}
    QSpinBox {{ background: {theme.chip}; border: 1px solid {theme.chip}; border-radius: 6px;
        padding: 4px 8px; }}
    QSpinBox:focus {{ border-color: {theme.accent}; }}
    QSpinBox::up-button, QSpinBox::down-button {{ width: 0; }}
    QListView {{ background: {theme.panel}; border: 0; outline: 0; }}
    QListView::item {{ padding: 4px 8px; border-radius: 4px; }}
    QListView::item:selected {{ background: {theme.selection}; color: {theme.text}; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox:focus {{ border-color: {theme.accent}; }}
    QComboBox QAbstractItemView {{ background: {theme.panel}; border: 1px solid {theme.line};
        selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
    QPushButton, QToolButton {{ background: {theme.chip}; border: 1px solid {theme.chip};
        border-radius: 12px; padding: 4px 14px; color: {theme.text}; }}
    QPushButton:hover, QToolButton:hover {{ border-color: {theme.line}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {theme.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {theme.dim}; }}
    QPushButton:checked, QPushButton[primary="true"] {{ background: {theme.accent};
        border-color: {theme.accent}; color: {theme.on_accent}; font-weight: bold; }}
    QPushButton:checked:focus, QPushButton[primary="true"]:focus {{ border-color: {theme.text}; }}
    QPushButton[primary="true"]:disabled {{ background: {theme.chip}; border-color: {theme.chip};
        color: {theme.dim}; }}
    QPushButton[link="true"], QToolButton[link="true"] {{ background: transparent;
        border-color: transparent; border-radius: 4px; color: {theme.accent};
        padding: 2px 6px; text-align: left; }}
    QPushButton[link="true"]:hover, QToolButton[link="true"]:hover {{ background: {theme.chip}; }}
    QPushButton[link="true"]:focus, QToolButton[link="true"]:focus {{
        border-color: {theme.accent}; }}
    QToolButton[link="true"]:disabled {{ color: {theme.dim}; }}
    QTabBar QToolButton[link="true"] {{ color: {theme.dim}; padding: 0 4px; }}
    QTabBar QToolButton[link="true"]:hover {{ color: {theme.text}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QTreeView, QPlainTextEdit {{ background: {theme.panel}; border: 0; outline: 0; }}
    QTreeView::item:selected {{ background: {theme.selection}; color: {theme.text}; }}
    QHeaderView {{ background: {theme.panel}; border: 0; }}
    QHeaderView::section {{ background: {theme.panel}; color: {theme.dim}; border: 0;
        padding: 4px 4px; }}
    QHeaderView::section:hover {{ color: {theme.text}; }}
    QMenu {{ background: {theme.panel}; color: {theme.text}; border: 1px solid {theme.line};
        padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {theme.selection}; }}
    QMenu::item:disabled {{ color: {theme.dim}; }}
    QMenu::separator {{ height: 1px; background: {theme.line}; margin: 4px 8px; }}
    QSlider::groove:horizontal {{ background: {theme.chip}; height: 4px; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: {theme.accent}; border-radius: 2px; }}
    QSlider::sub-page:horizontal:disabled {{ background: {theme.line}; }}
    QSlider::handle:horizontal {{ background: {theme.text}; width: 12px; height: 12px;
        margin: -4px 0; border-radius: 6px; }}
    QSlider::handle:horizontal:focus {{ background: {theme.accent}; }}
    QSlider::handle:horizontal:disabled {{ background: {theme.dim}; }}
    QSplitter::handle {{ background: transparent; }}
    QScrollArea {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {theme.line}; border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 24px; }}
    QScrollBar::handle:horizontal {{ min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {theme.dim}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """


def scale_fonts(app: QApplication, percent: int) -> None:
    """Make every text of the program larger or smaller, those with a font of their own too."""
    before = app.property(_SCALE) or 100
    app.setProperty(_SCALE, percent)
    if percent == before:
        return
    for widget in app.allWidgets():
        font = widget.font()
        if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) and font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * percent / before)
            widget.setFont(font)
    font = app.font()
    font.setPointSizeF(points(TEXT_POINTS))
    app.setFont(font)


def points(size: float) -> float:
    """Return a size of text in points as the user wants it."""
    app = QApplication.instance()
    return size * ((app.property(_SCALE) if app else None) or 100) / 100


def apply(app: QApplication, theme: Theme) -> None:
    """Put the theme on the application; safe to repeat while it runs."""
    if not app.styleSheet():  # With rules in force the style is wrapped and has no name.
        app.setStyle("Fusion")
    font = QFont(family())
    font.setPointSizeF(points(TEXT_POINTS))
    app.setFont(font)
    app.setPalette(_palette(theme))
    app.setStyleSheet(_rules(theme))
