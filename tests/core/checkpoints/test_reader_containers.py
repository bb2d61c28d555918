"""Which parts of a nested file are models, and what they are called."""

import pytest
import torch
from checkpoint_oracle import assert_equal

from sparse_core.checkpoints import open_checkpoint
from sparse_core.errors import CheckpointError


def saved(tmp_path, state: object):
    torch.save(state, tmp_path / "nested.pt")
    return tmp_path / "nested.pt"


def test_the_largest_model_keeps_plain_names(tmp_path):
    model = {"fc.weight": torch.ones(4, 4), "fc.bias": torch.ones(4)}
    ema = {"fc.weight": torch.zeros(4, 3)}
    layer = torch.nn.Linear(4, 4)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, momentum=0.9)
    layer(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    path = saved(
        tmp_path,
        {
            "ema": ema,
            "state_dict": model,
            "optimizer": optimizer.state_dict(),
            "opt_d": {"state": {0: {"m": torch.ones(3)}}, "param_groups": []},
            "rng_state": torch.get_rng_state(),
            "iteration": torch.tensor(3),
            "epoch": 3,
        },
    )
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.container == "state_dict"
        assert_equal(checkpoint, model)
        summary = checkpoint.summary
        assert [(c.key, c.tensors, c.elements) for c in summary.containers] == [
            ("state_dict", 2, 20),
            ("ema", 1, 12),
        ]
        assert summary.other_tensors == 1 + 2 + 1 + 2
        assert summary.elements == 20
    with open_checkpoint(path, "ema") as checkpoint:
        assert_equal(checkpoint, ema)
        assert checkpoint.summary.other_tensors == 2 + 2 + 1 + 2
    with open_checkpoint(path, "all") as checkpoint:
        assert list(checkpoint.tensors) == ["fc.bias", "fc.weight", "ema/fc.weight"]
        assert checkpoint.container == "all"
        assert checkpoint.read("ema/fc.weight").sum() == 0
    with pytest.raises(CheckpointError, match="'state_dict', 'ema'"):
        open_checkpoint(path, "teacher")


def test_a_nested_model_is_one_model(tmp_path):
    tree = {"model": {"encoder": {"w": torch.ones(2)}, "blocks": [{"w": torch.ones(3)}]}}
    with open_checkpoint(saved(tmp_path, tree)) as checkpoint:
        assert list(checkpoint.tensors) == ["blocks.0.w", "encoder.w"]


def test_models_side_by_side_are_several(tmp_path):
    tree = {"generator": {"w": torch.ones(2)}, "discriminator": {"w": torch.ones(3)}}
    with open_checkpoint(saved(tmp_path, tree), "all") as checkpoint:
        assert list(checkpoint.tensors) == ["w", "generator/w"]


def test_a_wrapper_deeper_down_is_taken_apart(tmp_path):
    tree = {"checkpoint": {"model": {"w": torch.ones(2)}, "optimizer": {"m": torch.ones(2)}}}
    with open_checkpoint(saved(tmp_path, tree)) as checkpoint:
        assert checkpoint.container == "checkpoint/model"
        assert checkpoint.summary.other_tensors == 1


def test_tensors_inside_pickled_objects_are_no_model(tmp_path):
    tree = {"net": {"w": torch.ones(2)}, "hyper": torch.nn.Linear(100, 100)}
    with open_checkpoint(saved(tmp_path, tree), "all") as checkpoint:
        assert list(checkpoint.tensors) == ["w"]


def test_lists_of_tensors_are_numbered(tmp_path):
    with open_checkpoint(saved(tmp_path, [torch.ones(2), torch.zeros(3)])) as checkpoint:
        assert list(checkpoint.tensors) == ["0", "1"]


def test_one_container_reached_twice_counts_once(tmp_path):
    model = {"w": torch.ones(2)}
    with open_checkpoint(saved(tmp_path, {"model": model, "net": model}), "all") as checkpoint:
        assert list(checkpoint.tensors) == ["w"]


def test_names_that_collide_are_refused(tmp_path):
    tree = {"model": {"a": {"b": torch.ones(2)}, "a.b": torch.ones(2)}}
    with pytest.raises(CheckpointError, match="same name"):
        open_checkpoint(saved(tmp_path, tree))


def test_names_sort_naturally(tmp_path):
    names = ["layers.10.w", "layers.2.w", "layers.2.b", "layers.1a.w", "head", "layers.1.w"]
    path = saved(tmp_path, {name: torch.ones(1, 2) for name in names})
    with open_checkpoint(path) as checkpoint:
        assert list(checkpoint.tensors) == [
            "head", "layers.1.w", "layers.1a.w", "layers.2.b", "layers.2.w", "layers.10.w",
        ]  # fmt: skip


def test_a_tensor_that_is_not_there(tmp_path):
    with open_checkpoint(saved(tmp_path, {"w": torch.ones(2)})) as checkpoint:
        with pytest.raises(CheckpointError, match="there is no tensor 'v'"):
            checkpoint.read("v")
        with pytest.raises(ValueError, match="elements 1 to 3 of 2"):
            checkpoint.read("w", 1, 3)
