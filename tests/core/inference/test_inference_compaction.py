"""A compacted network gives the same outputs, is really smaller, and says what it could not do."""

import copy
import io
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from sparse_core.errors import SparseError
from sparse_core.inference.compaction import Gathered, compact, refit
from sparse_core.training.networks.lenet import LeNet
from sparse_core.training.networks.mlp import Mlp
from sparse_core.training.networks.resnet import ResNet20
from sparse_core.training.networks.transformer import Transformer

GOLDEN = Path(__file__).parents[2] / "golden.json"
IMAGE = torch.Size((3, 16, 16))


def networks() -> dict[str, tuple[nn.Module, Tensor]]:
    torch.manual_seed(0)
    return {
        "mlp": (Mlp(3 * 16 * 16, (64, 48), 10), torch.randn(7, *IMAGE)),
        "lenet": (LeNet(3, 16, 10), torch.randn(7, *IMAGE)),
        "resnet": (ResNet20(3, 10, width=8), torch.randn(7, *IMAGE)),
        "transformer": (Transformer(50, 12, 32, 4, 2), torch.randint(50, (7, 12))),
    }


def awaken(model: nn.Module) -> nn.Module:
    """Give BatchNorm statistics and biases values that matter."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.5)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
    return model.eval()


def prune(model: nn.Module, share: float, seed: int, *, columns: bool = True) -> None:
    """Zero random filters and channels of every linear layer and convolution but the head's."""
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            weight = module.weight.data
            if name != "head":
                weight[torch.rand(weight.shape[0], generator=generator) < share] = 0
            if columns:
                weight[:, torch.rand(weight.shape[1], generator=generator) < share] = 0


def parameters(model: nn.Module) -> int:
    return sum(one.numel() for one in model.parameters())


def same(one: nn.Module, other: nn.Module, inputs: Tensor) -> None:
    with torch.no_grad():
        torch.testing.assert_close(one(inputs), other(inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "lenet", "resnet", "transformer"])
@pytest.mark.parametrize("columns", [False, True])
def test_outputs_are_the_same_and_the_network_is_smaller(name, columns) -> None:
    model, inputs = networks()[name]
    awaken(model)
    prune(model, 0.5, seed=3, columns=columns)
    compacted = compact(model)
    same(model, compacted.model, inputs)
    assert parameters(compacted.model) < 0.85 * parameters(model)
    for layer in compacted.layers:
        assert layer.exact + layer.folded == layer.before[0] - layer.after[0]


@settings(max_examples=25)
@given(
    st.sampled_from(["mlp", "lenet", "resnet", "transformer"]),
    st.floats(0.0, 1.0),
    st.integers(0, 99),
)
def test_whatever_is_zero_the_outputs_are_the_same(name, share, seed) -> None:
    model, inputs = networks()[name]
    awaken(model)
    prune(model, share, seed)
    same(model, compact(model).model, inputs)


@pytest.mark.parametrize("name", ["mlp", "lenet", "resnet", "transformer"])
def test_dense_network_stays_as_it_is(name) -> None:
    model, _ = networks()[name]
    awaken(model)
    compacted = compact(model)
    assert parameters(compacted.model) == parameters(model)
    assert all(layer.before == layer.after for layer in compacted.layers)


def test_zero_filter_behind_a_bias_is_folded_and_behind_none_is_exact() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    with torch.no_grad():
        model[0].weight[:3] = 0
        model[0].bias.copy_(torch.tensor([1.0, -1.0, 0.0, 1.0, 1.0, 1.0]))
    compacted = compact(model)
    (first, _) = compacted.layers
    assert (first.exact, first.folded) == (2, 1), "ReLU makes -1 a zero"
    same(model, compacted.model, torch.randn(5, 4))


def test_constant_channel_before_padding_has_to_stay() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1), nn.Flatten()
    ).eval()
    with torch.no_grad():
        model[0].weight[:2] = 0
        model[0].bias.copy_(torch.tensor([0.5, 0.0, 1.0, 1.0]))
    compacted = compact(model)
    layer = compacted.layers[0]
    assert (layer.exact, layer.folded, layer.kept) == (1, 0, 1)
    assert "padding" in layer.why
    same(model, compacted.model, torch.randn(3, 2, 6, 6))


def test_batch_norm_with_a_gain_of_zero_makes_a_constant() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.Flatten()
    )
    awaken(model)
    with torch.no_grad():
        model[1].weight[1:3] = 0
        model[1].bias[1:3] = torch.tensor([0.7, -0.7])
    compacted = compact(model)
    assert (compacted.layers[0].exact, compacted.layers[0].folded) == (1, 1)
    same(model, compacted.model, torch.randn(3, 2, 6, 6))


def test_shortcut_keeps_what_somebody_else_needs() -> None:
    model, inputs = networks()["resnet"]
    awaken(model)
    with torch.no_grad():
        model.blocks[0].conv2.weight[:3] = 0
    compacted = compact(model)
    layer = next(one for one in compacted.layers if one.name == "blocks.0.conv2")
    assert layer.kept == 3
    assert layer.why
    same(model, compacted.model, inputs)


def test_dead_branch_shrinks_to_one_channel() -> None:
    model, inputs = networks()["resnet"]
    awaken(model)
    with torch.no_grad():
        model.blocks[1].conv1.weight.zero_()
        model.blocks[1].conv2.weight.zero_()
    compacted = compact(model)
    layer = next(one for one in compacted.layers if one.name == "blocks.1.conv1")
    assert layer.after[0] == 1
    same(model, compacted.model, inputs)


def test_whole_heads_vanish_and_their_constant_is_folded() -> None:
    model, tokens = networks()["transformer"]
    model.eval()
    attention = model.layers[0].attention
    with torch.no_grad():
        attention.value.weight[8:16] = 0
        attention.output.weight[:, 24:] = 0
    compacted = compact(model)
    layer = next(one for one in compacted.layers if one.name == "layers.0.attention")
    assert layer.heads == 2
    assert compacted.model.layers[0].attention.heads == 2
    same(model, compacted.model, tokens)


def test_inputs_that_nobody_uses_are_not_gathered() -> None:
    model, images = networks()["mlp"]
    with torch.no_grad():
        model.layers[0].weight[:, ::2] = 0
    compacted = compact(model)
    first = compacted.model.layers[0]
    assert isinstance(first, Gathered)
    assert first.layer.in_features == model.layers[0].in_features // 2
    same(model.eval(), compacted.model, images)


def test_row_and_column_statistics_of_the_golden_vector() -> None:
    vector = json.loads(GOLDEN.read_text())["row_col_sparsity"]
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 2, bias=False)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(vector["W"]))
    layer = compact(model).model[0]
    assert list(layer.layer.weight.shape) == vector["compact_shape"]
    assert int((layer.layer.weight == 0).sum()) == vector["residual_zeros_in_compact"]


@pytest.mark.parametrize("name", ["mlp", "lenet", "resnet", "transformer"])
def test_compacted_weights_load_into_the_networks_own_code(name) -> None:
    model, inputs = networks()[name]
    fresh = copy.deepcopy(model)
    awaken(model)
    prune(model, 0.5, seed=5)
    compacted = compact(model).model
    file = io.BytesIO()
    torch.save(compacted.state_dict(), file)
    file.seek(0)
    refitted = refit(fresh, torch.load(file, weights_only=True)).eval()
    same(compacted, refitted, inputs)


def test_weights_of_another_network_are_a_sentence() -> None:
    with pytest.raises(SparseError, match="do not fit Mlp"):
        refit(Mlp(4, (3,), 2), {"unknown.weight": torch.zeros(2)})


def test_network_whose_steps_depend_on_data_is_a_sentence() -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.fc(inputs) if inputs.sum() > 0 else inputs

    with pytest.raises(SparseError, match="depend on its data"):
        compact(Moody())


def test_what_is_not_understood_is_left_alone() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(6, 6)
            self.twice = nn.Linear(6, 6)
            self.last = nn.Linear(6, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            hidden = functional.relu(self.first(inputs))
            hidden = self.twice(self.twice(hidden.flip(1)))
            return self.last(hidden * 2)

    model = Odd().eval()
    prune(model, 0.6, seed=2)
    same(model, compact(model).model, torch.randn(5, 6))


def test_original_is_untouched() -> None:
    model, images = networks()["lenet"]
    model.eval()
    prune(model, 0.5, seed=1)
    before = copy.deepcopy(model.state_dict())
    compact(model)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    model(images)
