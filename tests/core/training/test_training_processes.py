"""Trainings as processes: signals, kill -9 at any moment, wishes from outside."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sparse_core.__main__ import main
from sparse_core.runs.control import steer
from sparse_core.runs.events import Finished, Paused, Resumed, Started, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events
from sparse_core.runs.status import life, read_status

ROOT = Path(__file__).parents[3]
SMALL = ("--hidden", "32,32", "--mask-every", "3", "--save-every", "4", "--batch", "128")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sparse_core", "train", *words]


def spawn(*words: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(*words),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )


def wait_for(true: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait until something is so; what the process said is told if it ends before."""
    while not true():
        if process.poll() is not None:
            assert true(), process.communicate()[1].decode()
            return
        time.sleep(0.002)


def saved_above_zero(run: Path) -> bool:
    folder = RunFolder(run)
    return bool([step for step in folder.steps(folder.checkpoints) if step > 0])


def of(run: Path, kind):
    return [event for event in read_events(run / "events.jsonl") if isinstance(event, kind)]


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    folder = RunFolder(run)
    return load_file(folder.checkpoint(folder.steps(folder.checkpoints)[-1]))


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()


ZYGOTE = """
import os, sys
import torch
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # its imports take seconds
import sparse_core.training.session
from sparse_core.__main__ import main
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os._exit(main(["train", *line.split()]))
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""Imports once, then runs each line as a training of its own process."""


class Nursery:
    """Trainings without the seconds that importing torch takes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
        )

    def start(self, *words: str) -> int:
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def ended(self) -> int:
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.mark.slow
def test_kill_9_at_thirty_moments_reaches_the_same_weights(tmp_path, nursery) -> None:
    """Every kill comes after the first checkpoint above step 0, every resume names such a step."""
    random.seed(0)
    words = ("--method", "sr-ste", "--lambda", "0.01", "--epochs", "30", *SMALL)
    whole = tmp_path / "whole"
    nursery.start("--run", str(whole), *words)
    assert nursery.ended() == 0
    kills, number = 0, 0
    while kills < 30:
        number += 1
        run = tmp_path / f"killed{number}"
        pid = nursery.start("--run", str(run), *words)
        resumes = 0
        while kills < 30 and not of(run, Finished):
            while not saved_above_zero(run) or len(of(run, Resumed)) < resumes:
                time.sleep(0.01)
            time.sleep(random.random() / 4)
            with contextlib.suppress(ProcessLookupError):  # it was done already
                os.kill(pid, signal.SIGKILL)
            if nursery.ended() == 0:
                break
            kills += 1
            assert life(read_status(run / "status.json")) == "died"
            pid = nursery.start("--run", str(run), "--resume")
            resumes += 1
        else:
            assert nursery.ended() == 0
        assert all(event.step > 0 for event in of(run, Resumed))
        assert len(of(run, Resumed)) >= 1
        one, two = last_weights(whole), last_weights(run)
        assert all(torch.equal(one[name], two[name]) for name in one)
        losses = [[event.loss for event in of(path, Step)] for path in (whole, run)]
        assert losses[0] == losses[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_step_saves_and_exits_0(tmp_path, number) -> None:
    run = tmp_path / "run"
    process = spawn("--run", str(run), "--epochs", "5000", *SMALL)
    wait_for(lambda: len(of(run, Step)) > 3, process)
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == 0, err
    folder = RunFolder(run)
    (finished,) = of(run, Finished)
    assert finished.reason == "stopped"
    assert folder.steps(folder.checkpoints)[-1] == finished.step == of(run, Step)[-1].step
    assert life(read_status(run / "status.json")) == "ended"


@pytest.mark.slow
def test_pause_resume_slow_motion_and_stop_from_outside(tmp_path) -> None:
    run = tmp_path / "run"
    process = spawn("--run", str(run), "--epochs", "5000", *SMALL)
    control = run / "control.json"
    wait_for(lambda: len(of(run, Step)) > 3, process)
    steer(control, wanted="pause")
    wait_for(lambda: read_status(run / "status.json").state == "paused", process)
    stands = len(of(run, Step))
    time.sleep(0.3)
    assert len(of(run, Step)) == stands
    steer(control, wanted="run", steps_per_s=10.0)
    wait_for(lambda: len(of(run, Step)) >= stands + 5, process)
    times = [event.elapsed_s for event in of(run, Step)[-4:]]
    assert all(later - earlier > 0.08 for earlier, later in pairwise(times))
    steer(control, wanted="stop")
    assert finish(process)[0] == 0
    assert len(of(run, Paused)) == 1
    assert [event.restart for event in of(run, Resumed)] == [False]


@pytest.mark.slow
def test_command_line_prints_the_policy_then_events_as_json(tmp_path) -> None:
    words = ("--run", str(tmp_path / "run"), "--epochs", "1", "--json", *SMALL)
    code, out, _ = finish(spawn(*words))
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "finished"
    assert [event["event"] for event in events] == [
        type(event).__struct_config__.tag for event in read_events(tmp_path / "run/events.jsonl")
    ]


@pytest.mark.slow
def test_toml_file_does_the_same(tmp_path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        'method = "sr-ste"\nlambda = 0.01\nhidden = "32,32"\nepochs = 1\nbatch = 128\n'
        "mask-every = 3\nsave_every = 4\n"
    )
    one, two = tmp_path / "one", tmp_path / "two"
    processes = [
        spawn("--run", str(one), "--config", str(path)),
        spawn("--run", str(two), "--lambda", "0.01", "--epochs", "1", *SMALL),
    ]
    assert [finish(process)[0] for process in processes] == [0, 0]
    assert all(
        torch.equal(a, b)
        for a, b in zip(last_weights(one).values(), last_weights(two).values(), strict=True)
    )
    assert of(one, Started)[0].layers == of(two, Started)[0].layers


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--method", "magic"), "no method 'magic'"),
        (("--lambda", "-1"), "must be at least 0"),
        (("--epochs", "many"), "--epochs wants a whole number"),
        (("--task", "missing.py:Task"), "does not exist"),
        (("--resume",), "is no run folder"),
        (("--parallel", "ddp"), "torchrun"),
    ],
)
def test_bad_words_are_one_line_and_exit_2(tmp_path, capsys, words, sentence) -> None:
    code, out, err = said(capsys, "--run", str(tmp_path / "run"), *words)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def said(capsys, *words: str) -> tuple[int, str, str]:
    """Run the command in this process."""
    try:
        code = main(["train", *words])
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    return code, *capsys.readouterr()


def test_help_shows_the_options_of_the_users_own_method(tmp_path, capsys) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from typing import Annotated\nimport msgspec\n"
        "from sparse_core.training.method import Method\n"
        "class Options(msgspec.Struct, frozen=True):\n"
        "    gravity: Annotated[float, msgspec.Meta(description='how heavy')] = 9.81\n"
        "class Mine(Method):\n    name = 'mine'\n    Options = Options\n"
    )
    code, out, _ = said(capsys, "--run", "x", "--method", f"{path}:Mine", "--help")
    assert code == 0
    assert "--gravity" in out
    assert "how heavy" in out
