"""Files that appear whole, statuses, wishes and locks."""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from sparse_core.errors import RunError
from sparse_core.runs.atomic import remove_partials, replace_file
from sparse_core.runs.config import FORMAT, RunConfig, read_config, write_config
from sparse_core.runs.control import ControlWatch, read_control, steer
from sparse_core.runs.folder import RunFolder, step_name, step_of
from sparse_core.runs.lock import RunLock
from sparse_core.runs.status import Heartbeat, Status, life, process_start, read_status
from sparse_core.runs.tensors import Stored, write_tensors


def test_names_sort_like_numbers() -> None:
    assert step_name(100) == "step-00000100"
    assert step_of("step-00000100.safetensors") == 100
    assert step_of("step-00000100") == 100
    assert step_of(step_name(10**9)) == 10**9
    assert step_of(".step-00000100.safetensors.7.partial") is None


def test_replaced_file_is_old_or_new_never_half(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, [b"old"])

    def breaking() -> Iterator[bytes]:
        yield b"ne"
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        replace_file(path, breaking())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        replace_file(tmp_path / "missing" / "file", [b"x"])


def test_partials_of_the_dead_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".a.7.partial").write_bytes(b"half")
    (tmp_path / "a").write_bytes(b"whole")
    remove_partials(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_tensors_are_read_by_the_reference_and_always_the_same(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors = {
        "b": Stored("F32", (2, 3), array.tobytes()),
        "a": Stored("I64", (), np.int64(7).tobytes()),
        "e": Stored("U8", (0, 4), b""),
    }
    one, two = tmp_path / "1", tmp_path / "2"
    write_tensors(one, tensors, {"k": "v", "l": "w"})
    write_tensors(two, tensors, {"k": "v", "l": "w"})
    assert one.read_bytes() == two.read_bytes()
    read = load_file(one)
    np.testing.assert_array_equal(read["b"], array)
    assert read["a"] == 7
    assert read["e"].shape == (0, 4)


def test_config_goes_and_comes_back(tmp_path: Path) -> None:
    config = RunConfig(task="digits", method="ste", pattern="2:4", axis="in", options={"lr": 0.1})
    write_config(tmp_path / "run.json", config)
    assert read_config(tmp_path / "run.json") == config


def test_run_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"format": FORMAT + 1, "surprise": True}))
    with pytest.raises(RunError, match="newer program"):
        read_config(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}'])
def test_damaged_config_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(RunError, match="damaged"):
        read_config(path)


def test_wishes_rise_and_are_seen_once(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    watch = ControlWatch(path)
    assert watch.changed() is None
    steer(path, knobs={"lambda": 0.01})
    steer(path, wanted="pause", steps_per_s=5.0, save=True)
    seen = watch.changed()
    assert seen is not None
    assert (seen.number, seen.wanted, seen.knobs) == (2, "pause", {"lambda": 0.01})
    assert (seen.steps_per_s, seen.save) == (5.0, 1)
    assert watch.changed() is None
    assert steer(path, wanted="run", steps_per_s=0).steps_per_s is None


def test_wishes_that_cannot_be_read_are_a_plain_run(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    path.write_text("{half")
    assert read_control(path).wanted == "run"
    assert ControlWatch(path).changed() is None


def test_heartbeat_of_this_process_is_alive_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    beat = Heartbeat(path)
    assert life(read_status(path)) == "alive"
    beat.tell("finished", 7)
    beat.close()
    status = read_status(path)
    assert status is not None
    assert (status.state, status.step) == ("finished", 7)
    assert life(status) == "ended"
    assert life(None) == "unknown"


def test_process_that_was_killed_has_died() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        host = os.uname().nodename
        status = Status("running", 1, child.pid, process_start(child.pid), host, time.time())
        assert life(status) == "alive"
        child.kill()
        child.wait()
        assert life(status) == "died"
    finally:
        child.kill()
        child.communicate()


def test_same_number_but_a_later_process_has_died() -> None:
    status = Status("running", 1, os.getpid(), "other", os.uname().nodename, time.time())
    assert life(status) == "died"


def test_other_machine_is_judged_by_its_heartbeat() -> None:
    status = Status("running", 1, 1, "x", "elsewhere", 1000.0)
    assert life(status, now=1010.0) == "alive"
    assert life(status, now=1016.0) == "died"


def test_folder_in_use_names_the_user(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with RunLock(folder), pytest.raises(RunError, match="in use"):
        RunLock(folder)
    RunLock(folder).release()
    status = Status("running", 1, 77, "x", "gpu-3", time.time())
    replace_file(folder.status, [msgspec.json.encode(status)])
    with pytest.raises(RunError, match="process 77 on gpu-3"):
        RunLock(folder)


def test_full_disk_is_a_sentence(tmp_path: Path) -> None:
    def refuse() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    replace_file(path, [b"old"])
    with pytest.raises(RunError, match="disk is full"):
        replace_file(path, refuse())
    assert path.read_bytes() == b"old"
