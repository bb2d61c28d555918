"""Runs from the beginning to the end, and from anywhere in between."""

import json
import math
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from sparse_core.errors import RunError
from sparse_core.masks import count_groups, pack
from sparse_core.patterns import NMPattern
from sparse_core.runs import atomic
from sparse_core.runs.config import read_config
from sparse_core.runs.control import steer
from sparse_core.runs.events import Evaluated, Failed, Finished, Mask, Resumed, Saved, Set, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import read_masks
from sparse_core.runs.reader import read_events
from sparse_core.runs.status import life, read_status
from sparse_core.training.job import Request
from sparse_core.training.options import TrainOptions
from sparse_core.training.session import Outcome, resume, start

TINY = TrainOptions(task="digits", epochs=2, batch=128, mask_every=3, save_every=5)


def request(method: str = "sr-ste", task_options=None, **options) -> Request:
    method_options = options.pop("method_options", {})
    return Request(
        msgspec.structs.replace(TINY, method=method, **options),
        method_options,
        {"hidden": "32,32", **(task_options or {})},
    )


def weights(run: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(RunFolder(run).checkpoint(step))


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def of(run: Path, kind):
    return [event for event in read_events(run / "events.jsonl") if isinstance(event, kind)]


class StopAt:
    """An echo that wishes a stop once a step is reached."""

    def __init__(self, run: Path, step: int) -> None:
        self.run, self.step = run, step

    def __call__(self, event) -> None:
        if isinstance(event, Step) and event.step == self.step:
            steer(self.run / "control.json", wanted="stop")


class Crash(Exception):
    """Stands for kill -9 in tests that stay in one process."""


def crash_at(step: int):
    def echo(event) -> None:
        if isinstance(event, Step) and event.step == step:
            raise Crash

    return echo


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing disturbed."""
    run = tmp_path_factory.mktemp("whole") / "run"
    outcome = start(request(), run)
    assert outcome == Outcome(run, "complete", 24)
    return run


def test_folder_holds_what_the_design_says(whole) -> None:
    folder = RunFolder(whole)
    assert folder.steps(folder.masks) == [*range(0, 25, 3)]
    assert folder.steps(folder.checkpoints) == [0, 5, 10, 15, 20, 24]
    assert folder.steps(folder.state) == [5, 10, 15, 20, 24]
    assert life(read_status(folder.status)) == "ended"
    config = read_config(folder.config)
    assert (config.method, config.pattern, config.axis) == ("sr-ste", "2:4", "in")
    assert config.options["lr"] == 0.1
    assert set(config.versions) >= {"sparsescope", "python", "torch", "numpy"}


def test_events_tell_the_whole_story(whole) -> None:
    steps = of(whole, Step)
    assert [event.step for event in steps] == [*range(1, 25)]
    assert steps[-1].left_s == 0
    assert steps[-1].epoch == 2.0
    assert steps[0].lr == 0.1
    assert of(whole, Finished)[0].reason == "complete"
    times = [event.elapsed_s for event in read_events(whole / "events.jsonl")]
    assert times == sorted(times)
    best = max(of(whole, Evaluated), key=lambda event: event.metric)
    assert best.best


def test_learning_rate_falls_as_a_cosine(whole) -> None:
    for event in of(whole, Step):
        wanted = 0.05 * (1 + math.cos(math.pi * (event.step - 1) / 24))
        assert event.lr == pytest.approx(wanted)


def test_masks_on_disk_are_those_of_the_events(whole) -> None:
    folder = RunFolder(whole)
    before = None
    for event in of(whole, Mask):
        masks = read_masks(folder.mask(event.step))
        assert tuple(masks) == event.layers
        assert event.since == (before[0] if before else None)
        for index, (name, mask) in enumerate(masks.items()):
            assert mask.kept() == event.kept[index]
            assert count_groups(mask, NMPattern(2, 4)).bad == 0
            if before:
                flips = (mask.words ^ before[1][name].words).tobytes()
                assert event.sad[index] == int.from_bytes(flips, "little").bit_count()
            assert event.births[index] + event.deaths[index] == event.sad[index]
        before = (event.step, masks)
    assert event.sparsity == 0.5


def test_checkpoint_is_latent_under_plain_names_and_says_so(whole) -> None:
    from safetensors import safe_open

    path = RunFolder(whole).checkpoint(24)
    with safe_open(path, "pt") as file:
        words = file.metadata()
    assert words["sparsescope.method"] == "sr-ste"
    assert words["sparsescope.rule"] == "projected"
    assert words["sparsescope.pattern"] == "2:4"
    assert json.loads(words["sparsescope.layers"]) == ["layers.1.weight"]
    tensors = load_file(path)
    assert sorted(tensors) == sorted(
        f"{name}.{part}" for name in ("layers.0", "layers.1", "head") for part in ("weight", "bias")
    )
    assert bool((tensors["layers.1.weight"] != 0).all())


def test_same_seed_same_weights_other_seed_others(whole, tmp_path) -> None:
    start(request(), tmp_path / "again")
    start(request(seed=1), tmp_path / "other")
    assert same(weights(whole, 24), weights(tmp_path / "again", 24))
    assert not same(weights(whole, 24), weights(tmp_path / "other", 24))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("step", [3, 7, 12])
def test_resume_after_a_crash_is_bit_exact(tmp_path, optimizer, step) -> None:
    asked = request(optimizer=optimizer, lr=0.01)
    start(asked, tmp_path / "whole")
    with pytest.raises(Crash):
        start(asked, tmp_path / "run", echo=crash_at(step))
    assert resume(tmp_path / "run").reason == "complete"
    assert same(weights(tmp_path / "whole", 24), weights(tmp_path / "run", 24))
    (resumed,) = of(tmp_path / "run", Resumed)
    assert resumed.step == step // 5 * 5
    assert resumed.restart
    one, two = (
        [(event.step, event.loss) for event in of(tmp_path / name, Step)]
        for name in ("whole", "run")
    )
    assert one == two
    one, two = ([(e.step, e.sad) for e in of(tmp_path / name, Mask)] for name in ("whole", "run"))
    assert one == two


def test_stop_saves_and_a_resume_goes_on_from_there(whole, tmp_path) -> None:
    run = tmp_path / "run"
    outcome = start(request(), run, echo=StopAt(run, 8))
    assert (outcome.reason, outcome.step) == ("stopped", 8)
    assert of(run, Finished)[0].reason == "stopped"
    assert resume(run).reason == "complete"
    assert same(weights(whole, 24), weights(run, 24))


def test_knobs_turned_in_the_lost_part_are_turned_again(tmp_path) -> None:
    def turning(run: Path, crash: int | None):
        def echo(event) -> None:
            if isinstance(event, Step) and event.step in (2, 7):
                steer(run / "control.json", knobs={"lambda": event.step / 10, "lr": 0.05})
            if isinstance(event, Step) and event.step == crash:
                raise Crash

        return echo

    one, two = tmp_path / "one", tmp_path / "two"
    start(request(), one, echo=turning(one, None))
    with pytest.raises(Crash):
        start(request(), two, echo=turning(two, 9))
    with pytest.raises(Crash):
        resume(two, echo=crash_at(6))
    resume(two)
    turned = [(event.step, event.name, event.value) for event in of(one, Set)]
    assert turned == [(2, "lambda", 0.2), (2, "lr", 0.05), (7, "lambda", 0.7)]
    assert [(event.step, event.name, event.value) for event in of(two, Set)] == turned
    assert same(weights(one, 24), weights(two, 24))


def test_knob_turned_at_the_step_of_the_checkpoint_is_told_once(tmp_path) -> None:
    def turning(run: Path, crash: int | None):
        def echo(event) -> None:
            if isinstance(event, Saved) and event.step == 5:
                steer(run / "control.json", knobs={"lambda": 0.5})
            if isinstance(event, Step) and event.step == crash:
                raise Crash

        return echo

    one, two = tmp_path / "one", tmp_path / "two"
    start(request(), one, echo=turning(one, None))
    with pytest.raises(Crash):
        start(request(), two, echo=turning(two, 8))
    resume(two)
    for run in (one, two):
        turned = [(event.step, event.name, event.value) for event in of(run, Set)]
        assert turned == [(5, "lambda", 0.5)]
    assert same(weights(one, 24), weights(two, 24))


def test_knob_that_does_not_exist_is_said_and_the_run_goes_on(tmp_path) -> None:
    def echo(event) -> None:
        if isinstance(event, Step) and event.step == 2:
            steer(tmp_path / "run" / "control.json", knobs={"gravity": 9.81, "lambda": -1})

    assert start(request(), tmp_path / "run", echo=echo).reason == "complete"
    sentences = [
        event.sentence
        for event in read_events(tmp_path / "run" / "events.jsonl")
        if type(event).__name__ == "Refused"
    ]
    assert len(sentences) == 2


def test_checkpoint_on_wish(tmp_path) -> None:
    def echo(event) -> None:
        if isinstance(event, Step) and event.step == 3:
            steer(tmp_path / "run" / "control.json", save=True)

    start(request(), tmp_path / "run", echo=echo)
    assert 3 in [event.step for event in of(tmp_path / "run", Saved)]


def test_resume_without_a_checkpoint_begins_at_zero_and_says_so(whole, tmp_path) -> None:
    run = tmp_path / "run"
    with pytest.raises(Crash):
        start(request(), run, echo=crash_at(3))
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    assert resume(run).reason == "complete"
    (resumed,) = of(run, Resumed)
    assert resumed.step == 0
    assert "no checkpoint" in resumed.note
    assert same(weights(whole, 24), weights(run, 24))


def test_resume_of_a_finished_run_does_nothing(whole) -> None:
    before = (whole / "events.jsonl").read_bytes()
    assert resume(whole) == Outcome(whole, "was finished", 24)
    assert (whole / "events.jsonl").read_bytes() == before


def test_second_start_in_a_folder_is_refused(whole) -> None:
    with pytest.raises(RunError, match="holds a run already"):
        start(request(), whole)


def test_only_the_last_the_best_and_the_first_are_kept(tmp_path) -> None:
    start(request(save_every=2, keep=2), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    best = max(of(folder.root, Evaluated), key=lambda event: (event.metric, -event.step)).step
    assert folder.steps(folder.checkpoints) == sorted({0, best, 22, 24})
    assert folder.steps(folder.state) == [22, 24]


def test_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tmp_path) -> None:
    run = tmp_path / "run"
    with pytest.raises(RunError, match="The loss is nan"):
        start(request(lr=1e25, save_every=1, schedule="constant"), run)
    (failed,) = of(run, Failed)
    assert "last good checkpoint" in failed.sentence
    status = read_status(run / "status.json")
    assert status is not None
    assert status.state == "failed"
    folder = RunFolder(run)
    last = folder.steps(folder.checkpoints)[-1]
    assert last == failed.step
    assert weights(run, last)


def test_full_disk_leaves_the_old_checkpoint_and_a_resume_goes_on(
    whole, tmp_path, monkeypatch
) -> None:
    run = tmp_path / "run"
    real = atomic.os.fsync

    def full(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").resolve()
        if "step-00000010" in path.name and "checkpoints" in str(path):
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(RunError, match="disk is full"):
        start(request(), run)
    monkeypatch.undo()
    folder = RunFolder(run)
    assert folder.steps(folder.checkpoints) == [0, 5]
    assert not list(folder.checkpoints.glob(".*"))
    assert resume(run).reason == "complete"
    assert same(weights(whole, 24), weights(run, 24))


def test_run_in_use_is_refused(tmp_path) -> None:
    run = tmp_path / "run"
    said: list[str] = []

    def echo(event) -> None:
        if isinstance(event, Step) and event.step == 1:
            with pytest.raises(RunError) as caught:
                resume(run)
            said.append(str(caught.value))

    start(request(), run, echo=echo)
    assert "in use" in said[0]


def test_run_of_a_newer_program_is_refused(tmp_path) -> None:
    (tmp_path / "run.json").write_text('{"format": 99}')
    with pytest.raises(RunError, match="newer program"):
        resume(tmp_path)


def test_init_starts_from_a_checkpoint_and_names_what_does_not_fit(whole, tmp_path) -> None:
    path = str(RunFolder(whole).checkpoint(24))
    start(request(init=path, lr=0.0), tmp_path / "run")
    assert same(weights(tmp_path / "run", 24), weights(whole, 24))
    with pytest.raises(RunError, match=r"layers\.0\.weight is \(32, 64\) there and \(48, 64\)"):
        start(request(init=path, task_options={"hidden": "48,32"}), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("method", ["dense", "ste", "sr-ste"])
def test_accuracy_of_every_method_on_digits(tmp_path, method) -> None:
    asked = Request(TrainOptions(task="digits", method=method, epochs=15))
    start(asked, tmp_path / "run")
    assert max(event.metric for event in of(tmp_path / "run", Evaluated)) > 0.9


def test_masks_of_dense_training_are_virtual(tmp_path) -> None:
    start(request("dense"), tmp_path / "run")
    assert all(event.virtual for event in of(tmp_path / "run", Mask))
    tensors = weights(tmp_path / "run", 24)
    mask = pack((tensors["layers.1.weight"] != 0).numpy())
    assert mask.zeros() == 0


USER_TASK = '''
import torch
from torch import nn
from sparse_core.training.task import Data, Examples, Task


class Parity(Task):
    """Whether the sum of four bits is even."""

    name = "parity"

    def model(self):
        return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(),
                             nn.Linear(16, 2))

    def data(self):
        bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
        examples = Examples(bits, bits.sum(1).long() % 2)
        return Data(examples, examples)


class Broken(Parity):
    def data(self):
        return 1 / 0


class Empty(Parity):
    def data(self):
        return Data(Examples(torch.zeros(0, 4), torch.zeros(0)), Examples(torch.zeros(0, 4),
                    torch.zeros(0)))
'''


@pytest.fixture
def task_file(tmp_path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(USER_TASK)
    return path


def test_users_own_task(task_file, tmp_path) -> None:
    options = TrainOptions(task=f"{task_file}:Parity", method="ste", epochs=3)
    assert start(Request(options), tmp_path / "run").reason == "complete"


def test_file_of_a_foreign_run_is_not_run_unless_named(task_file, tmp_path) -> None:
    name = f"{task_file}:Parity"
    run = tmp_path / "run"
    with pytest.raises(Crash):
        start(Request(TrainOptions(task=name, epochs=9)), run, echo=crash_at(4))
    task_file.write_text("raise SystemExit('this was run')")
    with pytest.raises(RunError, match="only run if you name it"):
        resume(run)
    task_file.write_text(USER_TASK)
    assert resume(run, trusted=[name]).reason == "complete"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Broken", r"raised ZeroDivisionError in line \d+"),
        ("Empty", "no examples to train on"),
        ("Missing", "is no task"),
    ],
)
def test_task_that_does_not_work_is_a_sentence(task_file, tmp_path, name, sentence) -> None:
    with pytest.raises(RunError, match=sentence):
        start(Request(TrainOptions(task=f"{task_file}:{name}")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_task_file_that_raises_is_a_sentence_with_its_line(tmp_path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("x = 1\nraise ValueError('no')\n")
    with pytest.raises(RunError, match=r"raised ValueError in line 2: no"):
        start(Request(TrainOptions(task=f"{path}:Task")), tmp_path / "run")
