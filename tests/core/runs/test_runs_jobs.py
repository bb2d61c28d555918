"""Jobs as processes: they outlive whoever started them, and end with all they started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from stubborn_job import DEAF, GARBAGE, GRANDCHILD, SLEEP, script

from sparse_core.errors import RunError
from sparse_core.runs import ending
from sparse_core.runs.control import read_control
from sparse_core.runs.ending import end
from sparse_core.runs.events import Finished, to_line
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.job_state import last_event, standing_of
from sparse_core.runs.known import Known, everything, forget, home, recall, remember
from sparse_core.runs.launch import environment, launch
from sparse_core.runs.processes import Process, memory_bytes, processes_of, runs, send
from sparse_core.runs.status import Heartbeat, Status, process_start


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a list of jobs of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Known]]:
    """Start jobs, and end whatever of them is left."""
    jobs: list[tuple[Known, subprocess.Popen[bytes]]] = []

    def start(*parts: str, name: str = "run") -> Known:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        python = script(tmp_path / f"python-{name}", *parts)
        job, process = launch(Known(folder=str(folder), python=python, words=("train",)))
        jobs.append((job, process))
        return job

    yield start
    for job, process in jobs:
        for one in all_of(job):
            send(one, signal.SIGKILL)
        process.kill()
        process.wait()


def all_of(job: Known) -> tuple[Process, ...]:
    return processes_of(Process(job.pid, job.pid_start), job.token, session=True)


def until(true: Callable[[], object]) -> None:
    """Wait for what must come, for as long as a busy machine may take."""
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.02)


def test_a_job_has_its_own_session_and_no_pipe(started) -> None:
    job = started(SLEEP)
    assert os.getsid(job.pid) == job.pid != os.getsid(0)
    files = [str(Path(f"/proc/{job.pid}/fd/{number}").readlink()) for number in range(3)]
    assert files == ["/dev/null", f"{job.folder}/log.txt", f"{job.folder}/log.txt"]
    assert recall(job.folder) == job
    assert standing_of(Path(job.folder), job).state == "starting"


def test_only_our_root_is_on_the_path_for_modules(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somebody/elses")
    path = environment("")["PYTHONPATH"]
    assert path == str(Path(ending.__file__).resolve().parents[2])
    assert environment("", "abc")["SPARSESCOPE_JOB"] == "abc"


def test_a_left_behind_grandchild_is_found_and_ended(started) -> None:
    job = started(GRANDCHILD, SLEEP)
    until(lambda: len(all_of(job)) == 2)
    grandchild = all_of(job)[1]
    assert os.getsid(grandchild.pid) != job.pid
    stages = list(end(Path(job.folder), "kill"))
    assert stages[-1].processes == 0
    assert not runs(grandchild)
    assert all_of(job) == ()


def test_a_job_that_ignores_cancel_is_killed_in_the_end(started, monkeypatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE_S", {"stop": 0.3, "terminate": 0.3, "kill": 10.0})
    job = started(DEAF, GRANDCHILD, SLEEP)
    until(lambda: len(all_of(job)) == 2)
    stages = list(end(Path(job.folder), "stop", escalate=True))
    assert [one.stage for one in stages if one.processes][:1] == ["stop"]
    assert {one.stage for one in stages} == {"stop", "terminate", "kill"}
    assert stages[-1].processes == 0
    assert all_of(job) == ()
    assert read_control(RunFolder(Path(job.folder)).control).wanted == "stop"


def test_stages_come_one_by_one_without_escalation(started, monkeypatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE_S", {"stop": 0.2, "terminate": 0.2, "kill": 10.0})
    job = started(DEAF, SLEEP)
    until(lambda: "deaf" in RunFolder(Path(job.folder)).log.read_text())
    last = list(end(Path(job.folder), "terminate"))[-1]
    assert last.stage == "terminate"
    assert last.processes == 1
    assert "Kill it" in last.sentence
    assert list(end(Path(job.folder), "kill"))[-1].processes == 0
    known = recall(job.folder)
    assert standing_of(Path(job.folder), known).state == "failed"


def test_waiting_for_a_stop_can_be_given_up(started) -> None:
    job = started(SLEEP)

    class Enough(Exception):
        pass

    def tick() -> None:
        raise Enough

    with pytest.raises(Enough):
        list(end(Path(job.folder), "stop", tick=tick))
    assert runs(Process(job.pid, job.pid_start))


def test_a_number_that_now_is_somebody_elses_is_never_signalled(started) -> None:
    job = started(SLEEP)
    wrong = Process(job.pid, "another boot:1")
    assert not send(wrong, signal.SIGKILL)
    assert not send(Process(job.pid, ""), signal.SIGKILL)
    assert runs(Process(job.pid, job.pid_start))
    assert all(one.pid != job.pid for one in processes_of(wrong))


def test_a_stranger_with_the_old_number_is_not_listed(started) -> None:
    """The process ended and its number belongs to somebody else: only the token counts."""
    job = started(SLEEP)
    stale = msgspec.structs.replace(job, pid=os.getpid(), pid_start="another boot:1", token="none")
    assert processes_of(Process(stale.pid, stale.pid_start), stale.token) == ()


def test_kill_nine_shows_as_died_and_as_killed_where_we_did_it(started) -> None:
    def standing(job: Known) -> str:
        return standing_of(Path(job.folder), recall(job.folder)).state

    one, two = started(SLEEP, name="one"), started(SLEEP, name="two")
    for job in (one, two):
        beat(Path(job.folder), job.pid, job.pid_start)
        assert standing(job) == "running"
    os.kill(one.pid, signal.SIGKILL)
    until(lambda: not runs(Process(one.pid, one.pid_start)))
    assert standing(one) == "died"
    list(end(Path(two.folder), "kill"))
    assert standing(two) == "stopped"


def beat(folder: Path, pid: int, start: str, host: str = "", state: str = "running") -> None:
    """Write a status as a training does."""
    status = Status(state, 3, pid, start, host or socket.gethostname(), time.time())
    RunFolder(folder).status.write_bytes(msgspec.json.encode(status))


def test_a_run_of_another_machine_is_asked_but_never_signalled(tmp_path: Path) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    beat(folder, os.getpid(), process_start(os.getpid()), host="elsewhere")
    standing = standing_of(folder)
    assert (standing.state, standing.here, standing.alive) == ("running", False, True)
    with pytest.raises(RunError, match="runs on elsewhere: it can only be asked to stop"):
        list(end(folder, "terminate"))

    def gone(times: list[int]) -> Callable[[], None]:
        def tick() -> None:
            times.append(1)
            beat(folder, 1, "x", host="elsewhere", state="finished")

        return tick

    stages = list(end(folder, "stop", tick=gone([])))
    assert [one.processes for one in stages] == [-1, 0]
    assert read_control(RunFolder(folder).control).wanted == "stop"


def test_a_start_that_failed_says_why_and_a_resume_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    start = process_start(child.pid)
    known = Known(
        folder=str(folder),
        pid=child.pid,
        pid_start=start,
        host=socket.gethostname(),
        started=time.time(),
    )
    child.wait()
    (folder / "log.txt").write_text("noise\nsparsescope: --lr must be at least 0.\n")
    failed = standing_of(folder, known)
    assert (failed.state, failed.sentence) == ("failed", "--lr must be at least 0.")
    # What the folder says of an earlier process is older than this start.
    beat(folder, 1, "gone")
    old = msgspec.json.decode(RunFolder(folder).status.read_bytes(), type=Status)
    old = msgspec.structs.replace(old, beat=time.time() - 100, state="finished")
    RunFolder(folder).status.write_bytes(msgspec.json.encode(old))
    assert standing_of(folder, known).state == "failed"
    assert standing_of(folder).state == "finished"


def test_the_last_event_is_found_behind_a_half_written_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = Finished(step=7, time=1.0, elapsed_s=1.0, reason="stopped")
    path.write_bytes(b"x" * 200_000 + b"\n" + to_line(event) + b'{"event":"step","st')
    assert last_event(path) == event
    assert last_event(tmp_path / "none") is None


def test_the_list_survives_damage_and_is_one_for_all(tmp_path: Path) -> None:
    remember(Known(folder="/a", started=1.0))
    remember(Known(folder="/b", started=2.0))
    (home() / "broken.json").write_text("{")
    assert [job.folder for job in everything()] == ["/b", "/a"]
    other = "from sparse_core.runs.known import *; remember(Known(folder='/c', started=3.0))"
    subprocess.run([sys.executable, "-c", other], check=True, env=environment(""))
    assert [job.folder for job in everything()] == ["/c", "/b", "/a"]
    forget("/b")
    forget("/never")
    assert recall("/b") is None


def test_nothing_is_started_that_could_not_be_found_again(tmp_path: Path, monkeypatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    mark = tmp_path / "ran"
    python = script(tmp_path / "python", f"open({str(mark)!r}, 'w')")
    with pytest.raises(RunError, match="list of jobs"):
        launch(Known(folder=str(tmp_path), python=python))
    assert not mark.exists()


def test_no_such_interpreter_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere/python cannot be started"):
        launch(Known(folder=str(tmp_path), python="/nowhere/python"))
    assert recall(str(tmp_path)) is None


def test_garbage_on_stdout_lands_in_the_log(started) -> None:
    job = started(GARBAGE)
    log = RunFolder(Path(job.folder)).log
    until(lambda: not runs(Process(job.pid, job.pid_start)))
    assert log.read_bytes().count(b"garbage") == 100
    assert standing_of(Path(job.folder), job).state == "failed"


def test_memory_counts_what_a_process_holds(started) -> None:
    job = started("held = bytearray(64 << 20)", SLEEP)
    until(lambda: memory_bytes(all_of(job)) > 64 << 20)


def test_a_heartbeat_is_alive_here(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path / "status.json")
    heart.tell("running", 1)
    assert standing_of(tmp_path).state == "running"
    heart.tell("finished", 2)
    heart.close()
    assert standing_of(tmp_path).state == "finished"
    assert standing_of(tmp_path / "none").state == "gone"
