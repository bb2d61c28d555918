"""What holds for every test: no screen, no user's folders, one thread, no clock as a judge."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
REAL_INPUTS = ROOT / "build" / "real_inputs"
USER_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")

# Before Qt or torch is imported, and inherited by every process that a test starts.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Two busy cores say nothing about an example's time.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

_HOME = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the whole run user folders of its own, so that no cache or setting is the user's."""
    home = tempfile.TemporaryDirectory(prefix="sparsescope-tests-")
    config.stash[_HOME] = home
    for name in USER_FOLDERS:
        folder = Path(home.name, name.lower())
        folder.mkdir(mode=0o700)
        os.environ[name] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove them."""
    config.stash[_HOME].cleanup()


@pytest.fixture(scope="session")
def real_inputs() -> Path:
    """The folder of real checkpoints and images that ``make test`` fetches."""
    assert (REAL_INPUTS / "complete").exists(), "run `sh tools/real_inputs.sh` once"
    return REAL_INPUTS
