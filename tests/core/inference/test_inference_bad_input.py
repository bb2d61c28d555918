"""Layers and machines that no backend may stumble over."""

import struct
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import numpy as np
import pytest
import torch

from sparse_core.errors import PatternError
from sparse_core.inference.backends import BACKENDS, BY_NAME
from sparse_core.inference.layer import Convolution, SparseLayer, apply_dense
from sparse_core.messages.speed import SpeedRow, Unavailable
from sparse_core.native import _product, product
from sparse_core.patterns import NMPattern
from sparse_core.speed.comparison import Setting
from sparse_core.speed.layers import made_layer
from sparse_core.speed.rounds import Effort
from sparse_core.speed.session import measure_layers

BRIEF = Effort(warm_up_s=0.0, seconds=0.0, rounds=3, repeats=0)
AARCH64 = 0xB7
MACHINE_AT = 18
"""Where an ELF file names its processor."""


def outputs(layer: SparseLayer, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every backend that takes a layer on the CPU makes of it."""
    able = [one for one in BACKENDS if one.supports(layer, "cpu", len(x))]
    return {one.name: one.prepare(layer, "cpu", len(x), 1).run(x) for one in able}


@pytest.mark.parametrize("batch", [1, 40])
def test_a_broken_layer_is_refused_and_the_rest_goes_on(batch):
    layer = made_layer((16, 32), NMPattern(1, 4), torch.float32)
    layer.weight[2, 4:7] = 1
    with pytest.raises(PatternError, match=r"first starts at element 68 and holds 3"):
        BY_NAME["nm_native"].prepare(layer, "cpu", batch, 1)
    found = list(measure_layers([layer], [Setting(batch=batch)], BACKENDS, BRIEF))
    reasons = {row.backend: row.reason for row in found if isinstance(row, Unavailable)}
    assert "element 68" in reasons["nm_native"]
    assert {"dense", "csr"} <= {row.backend for row in found if isinstance(row, SpeedRow)}


@pytest.mark.parametrize("batch", [1, 70])
@pytest.mark.parametrize("view", ["transposed", "strided", "flipped rows"])
def test_weights_and_activations_of_any_stride(view, batch):
    whole = made_layer((32, 64), NMPattern(2, 4), torch.float32).weight
    views = {
        "transposed": whole.t().contiguous().t(),
        "strided": whole.repeat(1, 2)[:, :64],
        "flipped rows": torch.cat([whole, whole])[::2],
    }
    weight = views[view]
    assert not weight.is_contiguous()
    x = torch.randn(64, batch, generator=torch.Generator().manual_seed(0)).t()
    layer = SparseLayer("fc", weight, torch.ones(32), NMPattern(2, 4))
    exact = apply_dense(layer, weight.double(), torch.ones(32).double(), x.double())
    found = outputs(layer, x)
    assert {"dense", "nm_native", "csr", "bsr"} <= found.keys()
    for name, y in found.items():
        torch.testing.assert_close(y.double(), exact, rtol=1e-4, atol=1e-4, msg=name)


def test_a_transposed_convolution_weight_and_image():
    pattern = NMPattern(1, 4)
    weight = made_layer((8, 8, 3, 3), pattern, torch.float32).weight
    weight = weight.contiguous(memory_format=torch.channels_last)
    layer = SparseLayer("conv", weight, None, pattern, Convolution(padding=(1, 1)), (7, 5))
    x = layer.inputs(2).contiguous(memory_format=torch.channels_last)
    exact = apply_dense(layer, weight, None, x)
    for y in outputs(layer, x).values():
        torch.testing.assert_close(y, exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 4), (3, 7), (5, 129), (17, 1001)])
@pytest.mark.parametrize("batch", [0, 1, 19])
def test_odd_shapes_and_empty_batches(shape, batch):
    layer = made_layer(shape, NMPattern(2, 4), torch.float32)
    x = layer.inputs(batch)
    exact = layer.weight.double() @ x.double().t()
    found = outputs(layer, x)
    assert "nm_native" in found
    for y in found.values():
        torch.testing.assert_close(y.double(), exact.t(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_formats_on_a_cpu(dtype):
    layer = made_layer((32, 64), NMPattern(2, 4), dtype)
    x = layer.inputs(4)
    found = outputs(layer, x)
    assert set(found) == {"dense"}
    for backend in BACKENDS:
        assert backend.name in found or backend.supports(layer, "cpu", 4).reason
    assert "computes in fp32 only" in BY_NAME["nm_native"].supports(layer, "cpu", 4).reason


@pytest.mark.parametrize("name", ["nm_native", "csr", "compact"])
def test_nan_and_inf_stay_where_they_belong(name):
    layer = made_layer((16, 64), NMPattern(1, 8), torch.float32)
    layer.weight[:, 8:16] = 0
    layer.weight[4] = 0
    layer.weight[0, :8] = torch.tensor([0.0, float("nan"), 0, 0, 0, 0, 0, 0])
    layer.weight[1, :8] = torch.tensor([0.0, 0, float("inf"), 0, 0, 0, 0, 0])
    y = BY_NAME[name].prepare(layer, "cpu", 6, 1).run(layer.inputs(6))
    assert y[:, 0].isnan().all()
    assert y[:, 1].isinf().all()
    assert y[:, 2:].isfinite().all()


def _load(path: Path) -> object:
    loader = ExtensionFileLoader("sparse_core.native._product", str(path))
    return module_from_spec(spec_from_loader(loader.name, loader))


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """The extension, as a compiler for another processor would have left it."""
    code = bytearray(Path(_product.__file__).read_bytes())
    code[MACHINE_AT : MACHINE_AT + 2] = struct.pack("<H", AARCH64)
    path = tmp_path / Path(_product.__file__).name
    path.write_bytes(code)
    monkeypatch.setattr(product, "import_module", lambda name: _load(path))
    product._module.cache_clear()
    yield
    product._module.cache_clear()


def test_an_extension_for_another_processor_is_a_reason(foreign):
    assert product.path() == "none"
    layer = made_layer((16, 32), NMPattern(1, 4), torch.float32)
    found = list(measure_layers([layer], [Setting(batch=2)], BACKENDS, BRIEF))
    reasons = {row.backend: row.reason for row in found if isinstance(row, Unavailable)}
    assert "the native extension" in reasons["nm_native"]
    assert any(isinstance(row, SpeedRow) and row.backend == "dense" for row in found)


def test_a_processor_without_avx2_takes_the_portable_path(monkeypatch):
    monkeypatch.setattr(_product, "has_avx2", lambda: False)
    assert product.path() == "portable"


@pytest.mark.parametrize("batch", [3, 70])
def test_out_of_memory_while_preparing_is_said_and_the_next_layer_runs(monkeypatch, batch):
    first, second = (
        made_layer(shape, NMPattern(1, 4), torch.float32) for shape in ((16, 32), (24, 32))
    )
    native, prepare = BY_NAME["nm_native"], type(BY_NAME["nm_native"]).prepare

    def greedy(self, layer, *rest):
        if layer is first:
            np.empty(1 << 60, np.uint8)
        return prepare(self, layer, *rest)

    monkeypatch.setattr(type(native), "prepare", greedy)
    found = list(measure_layers([first, second], [Setting(batch=batch)], [native], BRIEF))
    assert [row.layer for row in found if isinstance(row, Unavailable)] == [first.name]
    assert "allocate" in next(row.reason for row in found if isinstance(row, Unavailable))
    timed = {(row.layer, row.backend) for row in found if isinstance(row, SpeedRow)}
    assert (second.name, "nm_native") in timed
