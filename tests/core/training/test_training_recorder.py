"""The Recorder in a plain loop, and whatever goes wrong with it."""

import json
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from sparse_core.masks import unpack
from sparse_core.runs.events import Finished, Mask, Started, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import read_masks
from sparse_core.runs.reader import read_events
from sparse_core.runs.status import life, read_status
from sparse_core.training.recorder import Recorder, trainer_callback


def of(run: Path, kind):
    return [event for event in read_events(run / "events.jsonl") if isinstance(event, kind)]


def loop(recorder: Recorder, model: nn.Module, steps: int) -> None:
    """The plain loop of docs/training.md."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(1, steps + 1):
        loss = functional.mse_loss(model(torch.randn(8, 16)), torch.zeros(8, 4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorder.step(step, loss=loss, lr=0.1, temperature=step / 10)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


def test_plain_loop_leaves_a_run(tmp_path) -> None:
    model = network()
    recorder = Recorder(tmp_path / "run", model, "2:4", every=5)
    loop(recorder, model, 12)
    recorder.finish()
    run = tmp_path / "run"
    assert recorder.broken == ""
    assert [event.step for event in of(run, Step)] == [*range(1, 13)]
    assert of(run, Step)[3].values == {"temperature": 0.4}
    masks = of(run, Mask)
    assert [event.step for event in masks] == [0, 5, 10, 12]
    assert masks[1].layers == ("0.weight", "2.weight")
    assert masks[1].sparsity == 0.5
    assert sum(masks[1].sad) > 0
    assert of(run, Started)[0].method == "recorded (projected)"
    assert of(run, Finished)[0].figures["recorder_s"] == pytest.approx(recorder.seconds)
    assert life(read_status(run / "status.json")) == "ended"
    weight = model[0].weight.detach().abs().reshape(-1, 4)
    kept = unpack(read_masks(RunFolder(run).mask(12))["0.weight"]).reshape(-1, 4)
    order = weight.argsort(dim=1, stable=True)[:, 2:]
    wanted = torch.zeros_like(weight).scatter(1, order, 1.0).bool()
    assert torch.equal(torch.from_numpy(kept.copy()), wanted)


def test_real_zeros_are_recorded_as_they_are(tmp_path) -> None:
    model = network()
    with torch.no_grad():
        model[0].weight[:, ::2] = 0
    recorder = Recorder(tmp_path / "run", model, layers=["0.weight"])
    recorder.finish()
    (mask,) = of(tmp_path / "run", Mask)
    assert mask.layers == ("0.weight",)
    assert mask.sparsity == 0.5
    assert of(tmp_path / "run", Started)[0].method == "recorded (zeros)"


def test_training_goes_on_whatever_breaks_in_the_recorder(tmp_path, caplog) -> None:
    model = network()
    recorder = Recorder(tmp_path / "run", model, "2:4", every=5)
    loop(recorder, model, 4)
    for path in (tmp_path / "run" / "masks").iterdir():
        path.unlink()
    (tmp_path / "run" / "masks").rmdir()
    loop(recorder, model, 12)
    recorder.finish()
    assert "cannot be written" in recorder.broken
    assert sum("no longer recorded" in record.message for record in caplog.records) == 1


def test_folder_in_use_only_breaks_the_recorder(tmp_path) -> None:
    model = network()
    first = Recorder(tmp_path / "run", model, "2:4")
    second = Recorder(tmp_path / "run", model, "2:4")
    loop(second, model, 3)
    first.finish()
    assert "holds a run already" in second.broken
    assert of(tmp_path / "run", Step) == []


def test_only_rank_0_writes(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RANK", "1")
    model = network()
    recorder = Recorder(tmp_path / "run", model, "2:4")
    loop(recorder, model, 3)
    recorder.finish()
    assert not (tmp_path / "run").exists()


def test_callback_for_transformers_hands_steps_on(tmp_path, monkeypatch) -> None:
    stand_in = types.ModuleType("transformers")
    stand_in.TrainerCallback = object
    monkeypatch.setitem(sys.modules, "transformers", stand_in)
    recorder = Recorder(tmp_path / "run", network(), "2:4")
    callback = trainer_callback(recorder)
    state = types.SimpleNamespace(
        global_step=7, log_history=[{"loss": 0.5, "learning_rate": 0.01}, {"eval_loss": 1.0}]
    )
    callback.on_step_end(None, state, None)
    callback.on_train_end(None, state, None)
    (step,) = of(tmp_path / "run", Step)
    assert (step.step, step.loss, step.lr) == (7, 0.5, 0.01)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "finished"
