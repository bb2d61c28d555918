"""The pair of PySide6 and Python that is installed keeps its references (decision 0003)."""

import sys

import pytest
from PySide6.QtCore import QObject, Signal

pytestmark = pytest.mark.gui

EMITS = 500


class Bell(QObject):
    rung = Signal(int)


def test_an_emit_keeps_its_reference_to_true() -> None:
    bell = Bell()
    heard: list[int] = []
    bell.rung.connect(heard.append)
    before = sys.getrefcount(True)
    for _ in range(EMITS):
        bell.rung.emit(1)
    lost = before - sys.getrefcount(True)
    assert len(heard) == EMITS
    assert lost < EMITS // 10
