"""CPU stand-ins for what only a GPU has: the four operations of torch's 2:4 libraries."""

import time
from collections.abc import Iterator

import pytest
import torch
from torch.sparse._semi_structured_conversions import sparse_semi_structured_to_dense_cutlass

from sparse_core.inference import two_four
from sparse_core.inference.backend import YES
from sparse_core.inference.backends import nm_triton, semi_structured


class StandIns:
    """What the stand-ins do and were asked.

    ``algorithms``: how many cuSPARSELt has; ``wrong``: those that give a wrong product;
    ``slow``: all but these take a while longer.
    """

    def __init__(self) -> None:
        self.algorithms = 5
        self.wrong = {1}
        self.fast = {3}
        self.refused: set[str] = set()
        self.calls: list[tuple[str, int]] = []

    def _called(self, library: str, number: int = 0) -> None:
        self.calls.append((library, number))
        if library in self.refused:
            raise RuntimeError(f"{library} not supported on your machine.\nmore")

    def mm(self, packed, meta, x, **_):
        self._called("CUTLASS")
        return sparse_semi_structured_to_dense_cutlass(packed, meta) @ x

    def addmm(self, bias, packed, meta, x, **_):
        return self.mm(packed, meta, x) + bias[:, None]

    def compress(self, dense):
        """Values, then a nibble a group, in one flat tensor of nine sixteenths the size."""
        groups = dense.reshape(-1, 4)
        places = (groups == 0).byte().argsort(dim=1, stable=True)[:, :2].sort(dim=1).values
        nibbles = (places[:, 0] | places[:, 1] << 2).to(torch.uint8).reshape(-1, 2)
        meta = nibbles[:, 0] | nibbles[:, 1] << 4
        return torch.cat([groups.gather(1, places).reshape(-1), meta.view(dense.dtype)])

    def _spread(self, packed, columns):
        kept = packed.numel() * 8 // 9
        octets = packed[kept:].view(torch.uint8)
        nibbles = torch.stack([octets & 15, octets >> 4], dim=1).reshape(-1)
        places = torch.stack([nibbles & 3, nibbles >> 2], dim=1).long()
        values = packed[:kept].reshape(-1, 2)
        dense = torch.zeros(len(values), 4, dtype=packed.dtype).scatter(1, places, values)
        return dense.reshape(-1, columns)

    def sparse_mm(self, packed, x, bias=None, *rest):
        # rest: alpha, out_dtype, transpose_result, alg_id, ...; those at their default left out
        _, _, transpose_result, alg_id = (*rest, *(None, None, False, 0)[len(rest) :])[:4]
        self._called("cuSPARSELt", alg_id)
        if alg_id >= self.algorithms:
            raise RuntimeError("CUDA error: invalid value when calling cusparseLtMatmulAlg")
        if alg_id not in self.fast:
            time.sleep(0.002)
        y = self._spread(packed, x.shape[0]) @ x
        if bias is not None:
            y = y + bias[:, None]
        if alg_id in self.wrong:
            y = y * 1.5
        return y.t().contiguous() if transpose_result else y


@pytest.fixture
def no_gpu_asked(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[None]:
    """Let the CUDA backends take the CPU, with nothing probed or searched before."""
    for module in (semi_structured, nm_triton):
        monkeypatch.setattr(module, "refusal", lambda device: YES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for probe in (two_four.probe, nm_triton.probe):
        probe.cache_clear()
    yield
    for probe in (two_four.probe, nm_triton.probe):
        probe.cache_clear()


@pytest.fixture
def stand_ins(no_gpu_asked) -> Iterator[StandIns]:
    """Register the stand-ins while a test runs."""
    found = StandIns()
    library = torch.library.Library("aten", "IMPL")
    library.impl("_sparse_semi_structured_mm", found.mm, "CPU")
    library.impl("_sparse_semi_structured_addmm", found.addmm, "CPU")
    library.impl("_cslt_compress", found.compress, "CPU")
    library.impl("_cslt_sparse_mm", found.sparse_mm, "CPU")
    yield found
    library._destroy()
