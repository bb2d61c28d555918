"""What the start may cost: imports, watched in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pyqtgraph", "torch", "scipy")

pytestmark = pytest.mark.gui


def imported(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_the_first_screen_needs_no_array_library() -> None:
    modules = imported("import inspector.main_window, inspector.app.assemble")
    assert modules.isdisjoint(HEAVY)


def test_the_entry_needs_no_qt() -> None:
    assert "PySide6" not in imported("import inspector.app")


def test_the_page_needs_no_torch_and_nothing_of_the_core_but_words() -> None:
    modules = imported("import inspector.pages.weights")
    assert modules.isdisjoint({"torch", "scipy", "sparse_core.checkpoints", "sparse_core.analysis"})
