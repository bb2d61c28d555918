"""Shapes of the 2:4 operations on the meta device, and probes on a machine without a GPU."""

import pytest
import torch

from sparse_core.inference import cuda
from sparse_core.inference.backends import BY_NAME
from sparse_core.inference.layer import SparseLayer
from sparse_core.inference.two_four import SIDES, convert
from sparse_core.patterns import NMPattern


@pytest.mark.parametrize("dtype", SIDES["CUTLASS"])
@pytest.mark.parametrize("shape", [(32, 64), (96, 128), (160, 448)])
@pytest.mark.parametrize("batch", [8, 24])
def test_torch_takes_our_shapes(dtype, shape, batch):
    rows, columns = shape
    packed = convert("CUTLASS", torch.zeros(rows, columns, dtype=dtype))
    values, meta = packed.packed.to("meta"), packed.meta.to("meta")
    x = torch.empty(columns, batch, dtype=dtype, device="meta")
    assert torch._sparse_semi_structured_mm(values, meta, x).shape == (rows, batch)
    bias = torch.empty(rows, dtype=dtype, device="meta")
    assert torch._sparse_semi_structured_addmm(bias, values, meta, x).shape == (rows, batch)


@pytest.mark.parametrize("dtype", SIDES["cuSPARSELt"])
@pytest.mark.parametrize("transposed", [True, False])
def test_cusparselts_shapes(dtype, transposed):
    blob = torch.empty(48 * 80 * 9 // 16, dtype=dtype, device="meta").view(48, -1)
    x = torch.empty(80, 16, dtype=dtype, device="meta")
    y = torch._cslt_sparse_mm(blob, x, transpose_result=transposed)
    assert y.shape == ((16, 48) if transposed else (48, 16))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_torch_unpacks_is_the_weight(dtype):
    """The other direction of the packer's tests; in fp32 torch's unpacker spoils halves itself."""
    weight = torch.randn(96, 192, generator=torch.Generator().manual_seed(3))
    groups = weight.view(-1, 4)
    groups.scatter_(1, groups.abs().argsort(dim=1)[:, :2], 0.0)
    weight = weight.to(dtype)
    unpacked = convert("CUTLASS", weight).to_dense()
    assert torch.equal(unpacked.view(torch.int16), weight.view(torch.int16))


LAYER = SparseLayer("fc", torch.zeros(64, 64).half(), None, NMPattern(2, 4))


@pytest.mark.parametrize("name", ["semi_structured", "nm_triton"])
@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_without_a_gpu_that_is_the_reason(monkeypatch, name, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert BY_NAME[name].supports(LAYER, device, 8).reason == "no CUDA device"


@pytest.mark.parametrize("name", ["semi_structured", "nm_triton"])
def test_beside_a_gpu_the_cpu_is_refused(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert BY_NAME[name].supports(LAYER, "cpu", 8).reason == "runs on a CUDA device only"


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("CUDA error: architecture mismatch.\nCompile with ..."), "mismatch"),
        (NotImplementedError(), "NotImplementedError"),
        (OSError("libcusparseLt.so.0: cannot open shared object file"), "cannot open shared"),
    ],
)
def test_whatever_a_driver_raises_is_a_reason_of_one_line(error, reason):
    said = cuda.attempt(lambda: _raise(error))
    assert reason in said
    assert "\n" not in said
    assert not said.endswith(".")


def test_the_probes_themselves_fail_cleanly_on_a_cpu(no_gpu_asked):
    """Without stand-ins the operations do not exist here; nothing but a reason comes of it."""
    for name in ("semi_structured", "nm_triton"):
        reason = BY_NAME[name].supports(LAYER, "cpu", 8).reason
        assert reason
        assert "\n" not in reason
