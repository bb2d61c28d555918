"""Channel permutation: keeps more, and changes nothing that the network computes."""

import pytest
import torch
from torch import nn

from sparse_core.patterns import NMPattern
from sparse_core.training.networks.mlp import Mlp
from sparse_core.training.networks.resnet import ResNet20
from sparse_core.training.networks.transformer import Transformer
from sparse_core.training.permutation import kept_magnitude, permute_channels, search

PATTERN = NMPattern(2, 4)


def test_the_published_example_of_eight_columns(golden) -> None:
    vector = golden["channel_permutation_whitepaper"]
    weights = torch.tensor(vector["W"], dtype=torch.float64)
    assert kept_magnitude(weights, PATTERN) == pytest.approx(vector["kept_default"])
    published = weights[:, vector["perm"]]
    assert kept_magnitude(published, PATTERN) == pytest.approx(vector["kept_permuted"])
    order = search(weights, PATTERN)
    assert sorted(order.tolist()) == list(range(8))
    found = kept_magnitude(weights[:, order], PATTERN)
    assert found == pytest.approx(vector["best_over_all_35_splits"])


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (4, 8), (1, 16)])
def test_search_never_loses_and_repeats_itself(n, m) -> None:
    pattern = NMPattern(n, m)
    sizes = torch.rand(24, 4 * m, generator=torch.Generator().manual_seed(1))
    order = search(sizes, pattern)
    assert sorted(order.tolist()) == list(range(4 * m))
    assert kept_magnitude(sizes[:, order], pattern) > kept_magnitude(sizes, pattern)
    assert torch.equal(order, search(sizes, pattern))


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Mlp(20, (16, 24), 5), torch.randn(4, 20)),
        (ResNet20(3, 10, width=8), torch.randn(4, 3, 16, 16)),
        (Transformer(30, 8, 16, 4, 2), torch.randint(30, (4, 8))),
    ],
    ids=["mlp", "resnet", "transformer"],
)
def test_outputs_stay_and_masks_keep_more(model: nn.Module, inputs: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.weight.data.copy_(torch.randn(module.num_features, generator=generator))
    model.eval()
    with torch.no_grad():
        before = model(inputs)
    names = frozenset(
        name for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
    )
    gains = permute_channels(model, PATTERN, names)
    with torch.no_grad():
        torch.testing.assert_close(model(inputs), before, rtol=1e-4, atol=1e-5)
    assert gains
    assert sum(after for _, after in gains.values()) > sum(first for first, _ in gains.values())
