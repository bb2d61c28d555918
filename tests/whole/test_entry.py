"""The first word decides: a command runs without Qt, anything else is the window's."""

import subprocess
import sys
from pathlib import Path

import pytest

import sparsescope
from sparse_core.commands import COMMANDS
from sparse_core.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "main.py"), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def test_version_loads_neither_qt_nor_torch(tmp_path: Path) -> None:
    result = run("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"sparsescope {VERSION}\n")
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not {"PySide6", "torch"} & loaded


def test_help_names_the_window_and_every_command(tmp_path: Path) -> None:
    result = run("--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "sparsescope [PATH ...]" in result.stdout
    for name in COMMANDS:
        assert name in result.stdout


@pytest.mark.parametrize("planted", ["msgspec", "numpy", "sparse_core", "argparse"])
def test_a_module_planted_in_the_current_folder_is_never_run(tmp_path: Path, planted: str) -> None:
    (tmp_path / f"{planted}.py").write_text("raise SystemExit('planted')")
    result = run("--help", cwd=tmp_path)
    assert (result.returncode, "planted" in result.stderr) == (0, False)


@pytest.mark.parametrize("words", [[], ["model.safetensors"], ["--pictures", "out"], ["./scan"]])
def test_everything_else_is_the_windows(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    opened: list[list[str]] = []

    def open_window(words: list[str]) -> int:
        opened.append(words)
        return 7

    monkeypatch.setattr("inspector.app.main", open_window)
    assert sparsescope.main(words) == 7
    assert opened == [words]
