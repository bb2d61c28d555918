"""The set-up behind make, on machines that lack this or that: commands are stubs on PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QT_LIBRARIES = (
    "libEGL.so.1 libGL.so.1 libxkbcommon.so.0 libxkbcommon-x11.so.0 libX11-xcb.so.1 "
    "libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1 libxcb-randr.so.0 "
    "libxcb-render-util.so.0 libxcb-shape.so.0 libxcb-sync.so.1 libxcb-xfixes.so.0 "
    "libxcb-xkb.so.1 libfontconfig.so.1 libdbus-1.so.3 libglib-2.0.so.0"
)


class Machine:
    """A folder of stub commands that is the whole PATH, and what was asked of them."""

    def __init__(self, folder: Path) -> None:
        self.commands = folder / "commands"
        self.commands.mkdir()
        self.log = folder / "log"
        self.log.touch()
        for name in ("cat", "dirname", "mkdir", "rm", "sed", "sh", "sha256sum"):
            found = shutil.which(name)
            assert found is not None
            (self.commands / name).symlink_to(found)

    def stub(self, name: str, script: str = "") -> None:
        """Add a command that writes its words to the log, then runs the script."""
        path = self.commands / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.log}\n{script}\n')
        path.chmod(0o755)

    def run(
        self, *words: str, cwd: Path = ROOT, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", *words],
            cwd=cwd,
            env={"PATH": str(self.commands), **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    def asked(self, name: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.split()[0] == name]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def bare(machine: Machine, user: int) -> None:
    machine.stub("id", f"echo {user}")
    machine.stub("ldconfig")
    machine.stub("apt-get")


def complete(machine: Machine) -> None:
    machine.stub("id", "echo 1000")
    machine.stub("ldconfig", f"printf '%s\\n' {QT_LIBRARIES}")
    for name in ("python3.11", "Xvfb", "sshd", "ssh", "c++", "apt-get"):
        machine.stub(name)


def test_without_root_everything_missing_is_named_in_one_line(machine: Machine) -> None:
    bare(machine, user=1000)
    result = machine.run("tools/system.sh", "test")
    assert result.returncode == 3
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    named = line.partition("apt-get install ")[2].split()
    assert {"python3", "python3-venv", "libegl1", "libxcb-cursor0", "xvfb", "g++"} <= set(named)
    assert len(named) == len(set(named))
    assert not machine.asked("apt-get")


@pytest.mark.parametrize("target", ["run", "test"])
def test_make_stops_before_it_makes_anything(machine: Machine, target: str) -> None:
    bare(machine, user=1000)
    make = shutil.which("make")
    assert make is not None
    result = machine.run("-c", f"exec {make} {target}")
    assert result.returncode != 0
    assert result.stdout == ""
    sentence, by_make = result.stderr.splitlines()
    assert sentence.startswith("Missing system packages")
    assert by_make.endswith("Error 3")


def test_root_installs_exactly_what_is_missing(machine: Machine) -> None:
    complete(machine)
    machine.stub("id", "echo 0")
    machine.stub("ldconfig", f"printf '%s\\n' {QT_LIBRARIES.replace('libEGL.so.1', '')}")
    (machine.commands / "Xvfb").unlink()
    result = machine.run("tools/system.sh", "test")
    assert result.returncode == 0, result.stderr
    update, install = machine.asked("apt-get")
    assert update.startswith("apt-get update")
    packages = [word for word in install.split()[2:] if not word.startswith("-")]
    assert packages == ["libegl1", "xvfb"]


def test_root_without_apt_is_told_like_anybody(machine: Machine) -> None:
    bare(machine, user=0)
    (machine.commands / "apt-get").unlink()
    result = machine.run("tools/system.sh", "run")
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("level", ["check", "run", "test"])
def test_a_complete_machine_is_left_alone(machine: Machine, level: str) -> None:
    complete(machine)
    result = machine.run("tools/system.sh", level)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not machine.asked("apt-get")


def test_checks_and_pictures_need_no_display_or_compiler(machine: Machine) -> None:
    complete(machine)
    for name in ("Xvfb", "sshd", "ssh", "c++"):
        (machine.commands / name).unlink()
    assert machine.run("tools/system.sh", "run").returncode == 0


def test_python_of_another_version_is_passed_over(machine: Machine) -> None:
    machine.stub("python3.11", "exit 1")
    machine.stub("python3", "exit 1")
    machine.stub("python3.13")
    result = machine.run("tools/find_python.sh")
    assert result.stdout.strip() == str(machine.commands / "python3.13")


def test_the_named_python_comes_first(machine: Machine) -> None:
    machine.stub("python3.11")
    machine.stub("mine")
    result = machine.run("tools/find_python.sh", PYTHON="mine")
    assert result.stdout.strip() == str(machine.commands / "mine")


@pytest.fixture
def checkout(tmp_path: Path, machine: Machine) -> Path:
    """A checkout whose ``.venv`` is a stub: its Python is logged as ``venv``."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "tools", folder / "tools")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    machine.stub("venv")
    (folder / ".venv" / "bin" / "python").symlink_to(machine.commands / "venv")
    return folder


def installs(machine: Machine) -> list[str]:
    return [line for line in machine.asked("venv") if " install " in line]


def test_the_environment_is_made_once_and_again_when_the_lock_changes(
    machine: Machine, checkout: Path
) -> None:
    first = machine.run("tools/environment.sh", cwd=checkout)
    assert first.returncode == 0, first.stderr
    assert len(installs(machine)) == 2
    assert machine.run("tools/environment.sh", cwd=checkout).stdout == ""
    assert len(installs(machine)) == 2
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    machine.run("tools/environment.sh", cwd=checkout)
    assert len(installs(machine)) == 4


def test_a_compiler_that_appears_builds_the_project_again(machine: Machine, checkout: Path) -> None:
    machine.run("tools/environment.sh", cwd=checkout)
    machine.stub("c++", "echo a compiler")
    machine.run("tools/environment.sh", cwd=checkout)
    assert len(installs(machine)) == 4


def test_torch_comes_from_the_index_that_was_named_once(machine: Machine, checkout: Path) -> None:
    for _ in range(2):
        machine.run("tools/environment.sh", cwd=checkout, TORCH_INDEX="https://index.example/cpu")
    machine.run("tools/environment.sh", cwd=checkout)
    (torch,) = [line for line in installs(machine) if "--index-url" in line]
    assert torch.endswith("--index-url https://index.example/cpu torch==2.13.0")


def test_a_failed_install_is_tried_again(machine: Machine, checkout: Path) -> None:
    machine.stub("venv", 'case "$*" in *" install "*) exit 1 ;; esac')
    assert machine.run("tools/environment.sh", cwd=checkout).returncode == 1
    machine.stub("venv")
    machine.run("tools/environment.sh", cwd=checkout)
    assert len(installs(machine)) == 3


def test_no_python_at_all_is_a_sentence(machine: Machine, checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    result = machine.run("tools/environment.sh", cwd=checkout)
    assert result.returncode == 3
    assert "3.11 to 3.13" in result.stderr


def test_without_a_display_every_picture_is_a_line(machine: Machine, checkout: Path) -> None:
    pictures = checkout / "build" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / "stale-light.png").touch()
    machine.stub("venv", "mkdir -p build/pictures; cat >build/pictures/weights-light.png")
    result = machine.run("tools/run.sh", cwd=checkout)
    lines = result.stdout.splitlines()
    assert str(pictures / "weights-light.png") in lines
    assert not any("stale" in line for line in lines)
    assert "ssh -X" in result.stdout
    assert machine.asked("venv") == [
        "venv main.py resources/demo/averaged.safetensors --pictures build/pictures"
    ]


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_display_the_window_opens_on_the_demo(
    machine: Machine, checkout: Path, display: str
) -> None:
    machine.run("tools/run.sh", cwd=checkout, **{display: ":7"})
    assert machine.asked("venv") == ["venv main.py resources/demo/averaged.safetensors"]


def test_every_script_is_plain_shell() -> None:
    scripts = sorted((ROOT / "tools").glob("*.sh"))
    assert scripts
    for script in scripts:
        assert os.access(script, os.X_OK), script
        assert script.read_text().startswith("#!/bin/sh\n"), script
