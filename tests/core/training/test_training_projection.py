"""The training projection: bit for bit the masks' one, and what any projection must be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sparse_core.dtypes import DTYPES
from sparse_core.errors import PatternError
from sparse_core.masks import Layout, count_groups, layout_of, pack, project, unpack
from sparse_core.patterns import NMPattern
from sparse_core.training import projection
from sparse_core.training.projection import mask_by_rank, nm_mask, soft_threshold
from sparse_core.training.straight_through import StraightThrough

FORMATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
SHAPES = ((8, 16), (3, 20), (5, 7), (4, 8, 3, 3), (2, 6, 1, 5), (1, 64))


def weights(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Random weights with ties, both zeros, infinities and NaN of both signs."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator).mul(4).round().div(4)
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), -float("nan")])
    where = torch.rand(shape, generator=generator) < 0.2
    picked = special[torch.randint(6, shape, generator=generator)]
    return torch.where(where, picked, values).to(dtype)


def raw(tensor: torch.Tensor) -> np.ndarray:
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().reshape(-1).view(np.uint16)
    return tensor.numpy().reshape(-1)


def in_torch(tensor: torch.Tensor, layout: Layout, pattern: NMPattern) -> torch.Tensor:
    """The way taken on a GPU, on the CPU."""
    integers, magnitude, nan = projection._RANKS[tensor.dtype]
    ranks = (tensor.contiguous().view(integers) & magnitude).clamp(max=nan)
    run = layout.run(pattern.axis)
    assert run is not None
    return mask_by_rank(ranks, run, pattern)


@settings(max_examples=120)
@given(
    st.sampled_from(SHAPES),
    st.sampled_from(FORMATS),
    st.sampled_from([(2, 4), (1, 4), (4, 8), (1, 16), (3, 5), (4, 4), (7, 20)]),
    st.sampled_from(["in", "out", "kernel"]),
    st.integers(0, 1000),
)
def test_same_bits_as_the_masks_package(shape, dtype, nm, axis, seed) -> None:
    tensor = weights(shape, dtype, seed)
    layout = layout_of(shape, "conv" if len(shape) > 2 else "linear")
    pattern = NMPattern(*nm, axis)
    wanted = unpack(
        project(raw(tensor), DTYPES[str(dtype).removeprefix("torch.")], layout, pattern)
    )
    np.testing.assert_array_equal(nm_mask(tensor, layout, pattern).numpy(), wanted)
    np.testing.assert_array_equal(in_torch(tensor, layout, pattern).numpy(), wanted)


@settings(max_examples=60)
@given(st.sampled_from([(2, 4), (1, 8), (4, 8), (5, 16)]), st.integers(0, 1000))
def test_at_most_n_idempotent_and_scale_invariant(nm, seed) -> None:
    pattern = NMPattern(*nm)
    layout = layout_of((6, 32), "linear")
    weight = torch.randn(6, 32, generator=torch.Generator().manual_seed(seed))
    mask = nm_mask(weight, layout, pattern)
    counts = count_groups(pack(mask.numpy(), layout), pattern)
    assert counts.bad == 0
    assert counts.exact == counts.groups
    assert torch.equal(nm_mask(weight * mask, layout, pattern), mask)
    assert torch.equal(nm_mask(weight * 8.0, layout, pattern), mask)
    assert torch.equal(nm_mask(-weight, layout, pattern), mask)


@settings(max_examples=60)
@given(st.sampled_from([(2, 4), (1, 4), (4, 8)]), st.integers(0, 1000))
def test_soft_threshold_leaves_at_most_n_and_shrinks(nm, seed) -> None:
    pattern = NMPattern(*nm)
    layout = layout_of((4, 24), "linear")
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(4, 24, generator=generator).mul(3).round()
    soft = soft_threshold(weight, layout, pattern)
    assert count_groups(pack((soft != 0).numpy(), layout), pattern).bad == 0
    assert bool((soft.abs() <= weight.abs()).all())
    assert bool((soft * weight >= 0).all())


@pytest.mark.parametrize("name", ["nm_ties_2:4", "nm_ties_1:4", "nm_ties_4:8"])
def test_ties_drop_the_lower_index(golden, name) -> None:
    vector = golden[name]
    weight = torch.tensor(vector["w"]).reshape(1, -1)
    pattern = NMPattern.parse(name.rpartition("_")[2])
    layout = layout_of(tuple(weight.shape), "linear")
    assert nm_mask(weight, layout, pattern).int().tolist() == [vector["mask"]]
    assert in_torch(weight, layout, pattern).int().tolist() == [vector["mask"]]


def test_conv_groups_run_along_channels_or_memory(golden) -> None:
    vector = golden["conv_layout"]
    weight = torch.tensor(vector["W_OIHW"])
    layout = layout_of(tuple(weight.shape), "conv")
    for axis, name in (("in", "mask_channel_order"), ("kernel", "mask_kernel_order")):
        assert nm_mask(weight, layout, NMPattern(2, 4, axis)).int().tolist() == vector[name]


def test_soft_projection_of_s_ste(golden) -> None:
    from sparse_core.training.methods.ste import soft_scale

    vector = golden["s_ste"]
    layout = layout_of((1, 4), "linear")
    weight = torch.tensor([vector["w"]])
    soft = soft_threshold(weight, layout, NMPattern(2, 4))
    assert soft.tolist() == [[0.0, 0.0, 1.0, -2.0]]
    assert soft_scale(weight, soft) == pytest.approx(vector["beta"])
    tied = torch.tensor([vector["tie_input"]], dtype=torch.float32)
    assert soft_threshold(tied, layout, NMPattern(2, 4)).tolist() == [vector["tie_soft"]]


def test_masks_equal_those_of_torch_ao_on_tie_free_weights() -> None:
    from torch.ao.pruning import WeightNormSparsifier

    weight = torch.randn(16, 32, generator=torch.Generator().manual_seed(3))
    model = torch.nn.Sequential(torch.nn.Linear(32, 16, bias=False))
    model[0].weight.data.copy_(weight)
    sparsifier = WeightNormSparsifier(
        sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2
    )
    sparsifier.prepare(model, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    theirs = model[0].parametrizations.weight[0].mask.bool()
    assert torch.equal(nm_mask(weight, layout_of((16, 32), "linear"), NMPattern(2, 4)), theirs)


def test_vector_has_no_groups() -> None:
    with pytest.raises(PatternError):
        nm_mask(torch.zeros(8), layout_of((8,), "bias"), NMPattern(2, 4))


@pytest.mark.parametrize("pull", [0.0, 0.1])
def test_gradient_is_the_formula(pull) -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(6, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    inputs = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    mask = nm_mask(weight, layout_of((6, 8), "linear"), NMPattern(2, 4))
    functional.linear(inputs, StraightThrough.apply(weight, mask, pull)).square().sum().backward()
    projected = (weight.detach() * mask).requires_grad_()
    functional.linear(inputs, projected).square().sum().backward()
    wanted = projected.grad + pull * (~mask * weight.detach())
    torch.testing.assert_close(weight.grad, wanted, rtol=0, atol=1e-14)
