"""The loops of a straight-through step: C++ on both paths, numpy and torch give the same bits."""

import importlib
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sparse_core.masks.layout import Run
from sparse_core.native import straight
from sparse_core.patterns import NMPattern
from sparse_core.training import straight_through
from sparse_core.training.projection import mask_by_rank

extension = importlib.import_module("sparse_core.native._straight")
SIZES = [(0,), (1,), (7,), (8, 33), (3, 5, 7)]


def values(shape: tuple[int, ...], seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    made = random.standard_normal(shape).astype(np.float32)
    if made.size > 4:
        made.reshape(-1)[:4] = (np.nan, np.inf, -0.0, 1e-42)
    return made


@pytest.fixture(params=["avx2", "portable", "off"])
def chosen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Force a path, as the environment variable does."""
    monkeypatch.setenv("SPARSESCOPE_NATIVE", request.param)
    straight._module.cache_clear()
    assert straight.is_native() == (request.param != "off")
    yield str(request.param)
    straight._module.cache_clear()


@pytest.mark.parametrize("shape", SIZES)
def test_every_path_gives_the_bits_of_torch(chosen: str, shape: tuple[int, ...]) -> None:
    weight, gradient = values(shape, 1), values(shape, 2)[..., ::1].copy()
    kept = np.random.default_rng(3).random(shape) < 0.5
    bits = kept.view(np.uint8)
    out = np.full(shape, 7, np.float32)
    straight.keep(weight, bits, out)
    theirs = torch.from_numpy(weight) * torch.from_numpy(bits)
    assert out.tobytes() == theirs.numpy().tobytes()
    straight.pull(gradient, weight, bits, 2e-4, out)
    pruned = (torch.from_numpy(weight) * (1 - torch.from_numpy(bits))).mul_(2e-4)
    np.testing.assert_array_equal(out, (torch.from_numpy(gradient) + pruned).numpy())


def test_what_torch_is_given_does_not_depend_on_the_path(chosen: str) -> None:
    weight = torch.from_numpy(values((16, 24), 4))
    kept = torch.rand(16, 24) < 0.5
    gradient = torch.randn(24, 16).t()
    for one in (weight, weight.double()):
        assert torch.equal(
            straight_through.project(one, kept).nan_to_num(5), (one * kept).nan_to_num(5)
        )
    for one in (gradient, gradient.contiguous()):
        made = straight_through.pulled(one, weight, kept, 1e-2)
        wanted = one + (weight * ~kept) * 1e-2
        assert torch.equal(made.nan_to_num(5), wanted.nan_to_num(5))


@pytest.mark.parametrize("fast", [True, False])
def test_sizes_that_do_not_fit_are_refused(fast: bool) -> None:
    four, three = np.ones(4, np.float32), np.ones(3, np.float32)
    bits = np.ones(4, np.uint8)
    for kept, out in ((bits[:3], four), (bits, three)):
        with pytest.raises(ValueError, match="bytes are wanted"):
            extension.keep(four, kept, out.copy(), fast)
        with pytest.raises(ValueError, match="bytes are wanted"):
            extension.pull(four, four, kept, 1.0, out.copy(), fast)
    fixed = four.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        extension.keep(four, bits, fixed, fast)


@pytest.mark.parametrize("shape", [(0,), (4,), (3, 8), (5, 36), (8, 64), (2, 4, 12)])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_pass_gives_the_mask_and_the_weight_of_two(
    chosen: str, shape: tuple[int, ...], n: int
) -> None:
    weight = torch.from_numpy(values(shape, 5))
    if weight.numel() > 12:
        # Ties, and NaNs of other bits.
        weight.view(-1)[4:12] = torch.tensor([1.0, -1.0, 1.0, 1.0, 0.0, -0.0, 2.0, -2.0])
        weight.view(-1).view(torch.int32)[12] = 0x7FC12345
    bits = weight.view(torch.int32) & 0x7FFFFFFF
    ranks = bits.clamp(max=0x7F800001)
    run = Run(weight.numel() // 4, 4, 1)
    kept = mask_by_rank(ranks, run, NMPattern(n, 4))
    if chosen == "off":
        assert not straight_through.fits(weight)
        assert not straight.drop(weight.numpy(), n, kept.view(torch.uint8).numpy(), weight.numpy())
        return
    assert straight_through.fits(weight)
    found, projected = straight_through.drop(weight, n)
    assert torch.equal(found, kept)
    wanted = weight * kept.view(torch.uint8)
    assert projected.numpy().tobytes() == wanted.numpy().tobytes()


def test_a_rest_that_fills_no_group_is_refused(chosen: str) -> None:
    odd = np.zeros(6, np.float32)
    assert not straight_through.fits(torch.from_numpy(odd))
    if chosen == "off":
        return
    with pytest.raises(ValueError, match="no whole groups"):
        straight.drop(odd, 2, np.zeros(6, np.uint8), odd.copy())
