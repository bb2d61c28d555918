"""The words on screen, each with its card: one line, the formula, the paper."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from inspector.models.term_cards import TERMS
from inspector.theme import family


class TermSheet(QDialog):
    """Stands beside the work; arrows scroll it, Escape closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Words on screen")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 620)
        self.text = QTextBrowser()
        self.text.setAccessibleName("Words on screen")
        self.text.setHtml("".join(_card(*card) for card in _cards()))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.text.setFocus()


def _cards() -> list[tuple[str, str, str, str]]:
    return [(term.word, term.line, term.formula, term.paper) for term in TERMS]


def _card(word: str, line: str, formula: str, paper: str) -> str:
    mono = family()
    source = f"<br><i>{_escaped(paper)}</i>" if paper else ""
    return (
        f"<p><b>{_escaped(word)}</b><br>{_escaped(line)}<br>"
        f"<span style=\"font-family:'{mono}'\">{_escaped(formula)}</span>{source}</p>"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
