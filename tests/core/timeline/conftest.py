"""Real training runs of digits, trained once; the command line in this process."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from desk_alone import Desk

from sparse_core.__main__ import main
from sparse_core.training.job import Request
from sparse_core.training.options import TrainOptions
from sparse_core.training.session import start

Ended = subprocess.CompletedProcess[str]


def train(run: Path, method: str, **options: object) -> Path:
    torch.set_num_threads(1)
    chosen = TrainOptions(
        task="digits", method=method, epochs=3, batch=128, mask_every=3, save_every=5, **options
    )
    start(Request(chosen, {}, {"hidden": "32,32"}), run)
    return run


@pytest.fixture(scope="session")
def ste_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "ste", "ste", pattern="2:4", keep=99)


@pytest.fixture(scope="session")
def dense_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "dense", "dense", keep=99)


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command from this process, which spares the start of an interpreter."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))

    def run(*words: str | Path) -> Ended:
        given = [str(word) for word in words]
        status = main(given)
        shown = capfd.readouterr()
        return subprocess.CompletedProcess(given, status, shown.out, shown.err)

    return run


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.service.close()
