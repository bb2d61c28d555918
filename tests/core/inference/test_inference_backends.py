import pytest
import torch

from sparse_core.inference.backends import BACKENDS, BY_NAME
from sparse_core.inference.layer import Convolution, SparseLayer, apply_dense
from sparse_core.masks.layout import layout_of
from sparse_core.native import product
from sparse_core.patterns import NMPattern
from sparse_core.training.projection import nm_mask

SHAPES = [(8, 16), (64, 128), (33, 96), (10, 260), (7, 130)]
PATTERNS = ["1:2", "2:4", "1:4", "4:8", "1:8", "3:12", "1:16", "1:32", "5:64"]
BATCHES = [1, 2, 5, 8, 16, 17, 64, 70, 130]


def pruned(shape: tuple[int, ...], pattern: NMPattern, seed: int = 0) -> torch.Tensor:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    kind = "conv" if len(shape) == 4 else "linear"
    return weight * nm_mask(weight, layout_of(shape, kind), pattern)


def check(layer: SparseLayer, name: str, batch: int, threads: int = 1) -> None:
    backend = BY_NAME[name]
    support = backend.supports(layer, "cpu", batch)
    assert support, support.reason
    x = layer.inputs(batch)
    y = backend.prepare(layer, "cpu", batch, threads).run(x)
    bias = None if layer.bias is None else layer.bias.double()
    reference = apply_dense(layer, layer.weight.double(), bias, x.double())
    assert y.shape == reference.shape
    torch.testing.assert_close(y.double(), reference, rtol=1e-4, atol=1e-4)


def test_the_extension_is_built_here() -> None:
    assert product.unavailable() == ""


@pytest.mark.parametrize("text", PATTERNS)
@pytest.mark.parametrize("shape", SHAPES)
def test_nm_native_equals_dense(text: str, shape: tuple[int, int]) -> None:
    pattern = NMPattern.parse(text)
    bias = torch.randn(shape[0])
    layer = SparseLayer("fc", pruned(shape, pattern), bias, pattern)
    for batch in BATCHES:
        check(layer, "nm_native", batch, threads=1 + batch % 2)


@pytest.mark.parametrize("axis", ["in", "kernel", "out"])
@pytest.mark.parametrize("convolution", [
    Convolution(padding=(1, 1)), Convolution((2, 2), (0, 1)), Convolution((1, 2), (2, 0), (2, 1)),
])  # fmt: skip
def test_nm_native_convolution(axis: str, convolution: Convolution) -> None:
    pattern = NMPattern(1, 4, axis)  # type: ignore[arg-type]
    weight = pruned((12, 8, 3, 2), pattern)
    layer = SparseLayer("conv", weight, torch.randn(12), pattern, convolution, (13, 11))
    for batch in (1, 3):
        check(layer, "nm_native", batch)
    x = layer.inputs(2)
    assert apply_dense(layer, weight, None, x).shape[2:] == layer.output_image()


@pytest.mark.parametrize("image", [(0, 0), (9, 7)])
def test_compact_drops_rows_and_columns(image: tuple[int, int]) -> None:
    shape = (12, 16, 3, 3) if image[0] else (12, 16)
    weight = torch.randn(shape)
    weight[3:7] = 0
    weight[:, ::2] = 0
    convolution = Convolution(padding=(1, 1)) if image[0] else None
    layer = SparseLayer("x", weight, torch.randn(12), None, convolution, image)
    check(layer, "compact", 5)
    prepared = BY_NAME["compact"].prepare(layer, "cpu", 5, 1)
    assert prepared.nbytes == weight[:8, :8].nbytes


@pytest.mark.parametrize("name", ["csr", "bsr", "dense"])
def test_torch_forms(name: str) -> None:
    pattern = NMPattern(1, 8)
    layer = SparseLayer("fc", pruned((32, 64), pattern), torch.randn(32), pattern)
    check(layer, name, 7)


@pytest.mark.parametrize(
    ("name", "layer", "reason"),
    [
        ("compact", SparseLayer("a", torch.ones(4, 4)), "no row and no column is all zero"),
        ("compact", SparseLayer("a", torch.zeros(4, 4)), "the whole weight is zero"),
        ("nm_native", SparseLayer("a", torch.ones(4, 4)), "no N:M pattern"),
        ("nm_native", SparseLayer("a", torch.ones(4, 4).half(), None, NMPattern(2, 4)), "fp32"),
        ("bsr", SparseLayer("a", torch.ones(4, 20)), "16 does not divide"),
        ("csr", SparseLayer("a", torch.ones(4, 4, 1, 1), None, None, Convolution(), (4, 4)),
         "no sparse convolution"),
    ],
)  # fmt: skip
def test_refusals_name_their_reason(name: str, layer: SparseLayer, reason: str) -> None:
    support = BY_NAME[name].supports(layer, "cpu", 8)
    assert not support
    assert reason in support.reason


def test_nan_and_inf_weights_come_through() -> None:
    pattern = NMPattern(2, 4)
    weight = pruned((16, 32), pattern)
    weight[0, :4] = torch.tensor([float("nan"), 0, 0, 1])
    weight[1, :4] = torch.tensor([0, float("inf"), 0, 0])
    layer = SparseLayer("fc", weight, None, pattern)
    for batch in (3, 70):
        y = BY_NAME["nm_native"].prepare(layer, "cpu", batch, 1).run(layer.inputs(batch))
        assert y[:, 0].isnan().all()
        assert y[:, 1].isinf().all()
        assert y[:, 2:].isfinite().all()


def test_empty_batch() -> None:
    pattern = NMPattern(2, 4)
    layer = SparseLayer("fc", pruned((16, 32), pattern), None, pattern)
    for backend in BACKENDS:
        if backend.supports(layer, "cpu", 0):
            assert backend.prepare(layer, "cpu", 0, 1).run(layer.inputs(0)).shape == (0, 16)
