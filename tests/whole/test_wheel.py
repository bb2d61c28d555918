"""The wheel as a stranger gets it: built from a source archive, in a venv of its own, elsewhere."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from resources import demo
from sparse_core.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "source"
NOT_SOURCE = (".*", "build", "dist", "*.egg-info", "*.so", "__pycache__")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with nothing of this checkout on the path; the output is shown when it fails."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"XDG_CACHE_HOME": str(cwd / "cache"), "XDG_CONFIG_HOME": str(cwd / "config")}
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    environment.pop("QT_QPA_PLATFORM", None)
    result = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, f"{words}\n{result.stdout}\n{result.stderr}"
    return result


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive that a clean copy of the checkout gives."""
    folder = tmp_path_factory.mktemp("built")
    copy = folder / SOURCE
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", cwd=copy)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has nothing to do with the checkout."""
    return tmp_path_factory.mktemp("some where else")


@pytest.fixture(scope="module")
def command(wheel: Path, elsewhere: Path) -> Path:
    """The installed ``sparsescope``; the packages it needs are borrowed from this environment."""
    target = elsewhere / "environment"
    venv.create(target, symlinks=True, with_pip=False)
    python = target / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=elsewhere)
    (packages,) = (target / "lib").glob("python3*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    where = run(
        python, "-P", "-c", "import sparse_core; print(sparse_core.__file__)", cwd=elsewhere
    )
    assert Path(where.stdout.strip()).is_relative_to(target)
    return target / "bin" / "sparsescope"


def test_the_wheel_carries_code_resources_and_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    information = f"sparsescope-{VERSION}.dist-info"
    assert {
        "sparsescope.py",
        "sparse_core/__main__.py",
        "sparse_core/py.typed",
        "inspector/__init__.py",
        "resources/demo/averaged.safetensors",
        "resources/demo/last.safetensors",
        "resources/fonts/DejaVuSans.ttf",
        "resources/fonts/LICENSE.txt",
        "resources/icons/weights.svg",
        f"{information}/licenses/LICENSE",
        f"{information}/licenses/NOTICE",
    } <= names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if "." not in name} == {"sparse_core", "inspector", "resources"}


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = wheel.parents[1] / SOURCE
    modules = {
        path.relative_to(source).as_posix()
        for package in ("sparse_core", "inspector", "resources")
        for path in (source / package).rglob("*.py")
    }
    assert modules <= names


def test_the_wheel_asks_for_ranges_so_that_nobodys_torch_is_replaced(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(path).decode()
    wanted = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    needs = [line.removeprefix("Requires-Dist: ") for line in wanted if "extra ==" not in line]
    assert any(need.startswith("torch>=") for need in needs)
    assert not any("==" in need.partition(";")[0] for need in needs)


def test_it_says_its_version_from_any_folder(command: Path, elsewhere: Path) -> None:
    assert run(command, "--version", cwd=elsewhere).stdout == f"sparsescope {VERSION}\n"


def test_it_scans_from_any_folder(command: Path, elsewhere: Path) -> None:
    result = run(command, "scan", demo("last"), "--json", cwd=elsewhere)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows[0]["type"] == "checkpoint"
    patterns = {row["name"]: row["pattern"] for row in rows if row["type"] == "layer"}
    assert patterns["fc1.weight"] == "2:4"
    assert patterns["head.weight"] is None


def test_it_draws_its_pages_from_any_folder(command: Path, elsewhere: Path) -> None:
    run(command, demo(), "--pictures", "drawn", cwd=elsewhere)
    for theme in ("light", "dark"):
        picture = (elsewhere / "drawn" / f"weights-{theme}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert picture[16:24] == (1440).to_bytes(4, "big") + (900).to_bytes(4, "big")
    shown = json.loads((elsewhere / "drawn" / "shown.json").read_text("utf-8"))
    assert shown
